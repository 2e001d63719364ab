import type { Assertion, FieldNames } from '@x/events-core'
import { assertFields, createArgumentAssertion } from '../assert.ts'
import { parseJson } from '../parse-payload.ts'
import type { WebhookScheme } from '../protocol.ts'
import type { SecretRequest, SecretSource } from '../secret-source.ts'
import { defineScheme } from './define-scheme.ts'
import { isSameText } from './digest.ts'
import { at, textAt, typeOf } from './payload.ts'
import type { SchemeAnswer, SchemeDefinition, SchemeRequest } from './scheme.ts'
import { type HmacOptions, hmac, secretList } from './verify.ts'

/** What a sender's scheme is given. */
export interface SecretOptions {
  /** What the sender signs with, as its pages show it; a list while it is rotated; a function that looks it up. */
  readonly secret: SecretSource
}

/** What the scheme of a sender is given that signs the URL, too. */
export interface SecretAndUrlOptions extends SecretOptions {
  /**
   * Where the sender was told to send, letter by letter: behind a proxy a server does not know it. A function where it
   * depends on the request.
   */
  readonly url: string | ((request: SecretRequest) => string)
}

const SECRET_NAMES: FieldNames<SecretOptions> = { secret: true }
const SECRET_AND_URL_NAMES: FieldNames<SecretAndUrlOptions> = { secret: true, url: true }

/**
 * The options of a scheme that takes a secret alone, checked.
 *
 * @throws EventsError (`invalid_argument`)
 */
export function secretOptions(scheme: string, options: SecretOptions): SecretOptions {
  assertFields(createArgumentAssertion(scheme), options, SECRET_NAMES)
  return options
}

/**
 * The options of a scheme that takes a secret and a URL, checked.
 *
 * @throws EventsError (`invalid_argument`)
 */
export function secretAndUrlOptions(scheme: string, options: SecretAndUrlOptions): SecretAndUrlOptions {
  assertFields(createArgumentAssertion(scheme), options, SECRET_AND_URL_NAMES)
  return options
}

/** A sender, as data: how it signs, and what else {@link defineScheme} takes. */
interface Sender extends Omit<SchemeDefinition, 'verify'> {
  readonly signature: Omit<HmacOptions, 'secret'>
}

function signing({ signature, ...definition }: Sender): (options: SecretOptions) => WebhookScheme {
  return (options) => {
    const { secret } = secretOptions(definition.name, options)
    return defineScheme({ ...definition, verify: hmac({ ...signature, secret }) })
  }
}

/**
 * How to find the URL that was signed.
 *
 * @throws EventsError (`invalid_argument`) where there is none: a variable that is not set, say.
 */
export function givenUrl(
  scheme: string,
  url: SecretAndUrlOptions['url'],
): (request: SchemeRequest) => string {
  if (typeof url === 'function') return (request) => url({ url: request.url.href, headers: request.headers })
  const assert: Assertion = createArgumentAssertion(scheme)
  const expected = 'the address that the sender was given, or a function of the request'
  assert(typeof url === 'string' && URL.canParse(url), 'url', expected, url)
  return () => url
}

/** @throws EventsError (`invalid_argument`) for what is no text, or an empty one. */
export function checkText(scheme: string, name: string, value: unknown): void {
  const assert: Assertion = createArgumentAssertion(scheme)
  assert(typeof value === 'string' && value !== '', name, 'a text', value)
}

interface UrlSender extends Omit<SchemeDefinition, 'verify'> {
  readonly signature: Omit<HmacOptions, 'secret' | 'content'> & {
    content(request: SchemeRequest, url: string): readonly (string | Uint8Array)[]
  }
}

function signingUrl(sender: UrlSender): (options: SecretAndUrlOptions) => WebhookScheme {
  const { signature, ...definition } = sender
  return (options) => {
    const { secret, url } = secretAndUrlOptions(definition.name, options)
    const urlOf = givenUrl(definition.name, url)
    const content = (request: SchemeRequest) => signature.content(request, urlOf(request))
    return defineScheme({ ...definition, verify: hmac({ ...signature, secret, content }) })
  }
}

const header = ({ headers }: SchemeRequest, name: string) => headers.get(name) ?? undefined
const ok: SchemeAnswer = {}
const plainText = (body: string): SchemeAnswer => ({
  headers: { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' },
  body,
})

/**
 * GitHub. Types as Octokit has them: `push`, `issues.opened`, `ping`. The body is signed; the event's name and the
 * delivery's id, in headers, are not.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { github } from '@x/receiver/schemes'
 *
 * const receiver = createReceiver({ scheme: github({ secret: process.env['GITHUB_WEBHOOK_SECRET']! }) })
 * receiver.on('issues.*', (event) => event.data)
 * ```
 */
export const github = signing({
  name: 'github',
  formats: ['json', 'form'],
  signature: { header: 'x-hub-signature-256', prefix: 'sha256=' },
  event: (request) => {
    // As a form, the JSON is a field of it.
    const field = textAt(request.payload, 'payload')
    const data = field === undefined ? request.payload : parseJson(field)
    return {
      id: header(request, 'x-github-delivery'),
      type: typeOf(header(request, 'x-github-event'), textAt(data, 'action')),
      data,
    }
  },
})

/**
 * Stripe: snapshot and thin events. The secret is all of `whsec_...`, as Stripe shows it.
 *
 * @see https://docs.stripe.com/webhooks/signature
 */
export const stripe = signing({
  name: 'stripe',
  signature: {
    header: 'stripe-signature',
    prefix: 'v1=',
    signatures: (value) => value.split(','),
    content: (request) => [stripeTime(request), '.', request.body],
    timestamp: (request) => secondsOf(stripeTime(request)),
  },
  event: ({ payload }) => ({
    id: at(payload, 'id'),
    type: at(payload, 'type'),
    timestamp: at(payload, 'created'),
    data: payload,
  }),
})

function stripeTime(request: SchemeRequest): string {
  const parts = (header(request, 'stripe-signature') ?? '').split(',', 32)
  return parts.find((part) => part.startsWith('t='))?.slice(2) ?? ''
}

/** Milliseconds; NaN for anything but digits, since `Number` would also read an empty text. */
function secondsOf(text: string): number {
  return /^[0-9]{1,12}$/.test(text) ? Number(text) * 1_000 : Number.NaN
}

/**
 * Slack: the Events API (type: of the inner event, `app_mention`), slash commands (type: `/deploy`) and interactions
 * (type: `block_actions`). The secret is the app's signing secret. The URL verification is answered.
 *
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export const slack = signing({
  name: 'slack',
  formats: ['json', 'form'],
  signature: {
    header: 'x-slack-signature',
    prefix: 'v0=',
    content: (request) => ['v0:', header(request, 'x-slack-request-timestamp') ?? '', ':', request.body],
    timestamp: (request) => secondsOf(header(request, 'x-slack-request-timestamp') ?? ''),
  },
  challenge: ({ payload }) => {
    const challenge = textAt(payload, 'challenge')
    return textAt(payload, 'type') === 'url_verification' && challenge !== undefined
      ? plainText(challenge)
      : undefined
  },
  event: ({ payload }) => {
    const interaction = textAt(payload, 'payload')
    const data = interaction === undefined ? payload : parseJson(interaction)
    return {
      id: at(data, 'event_id') ?? at(data, 'trigger_id'),
      type: at(data, 'event', 'type') ?? at(data, 'command') ?? at(data, 'type'),
      timestamp: at(data, 'event_time'),
      data,
    }
  },
})

/**
 * Shopify: webhooks and events. The secret is the app's client secret. The type is the topic, `orders/create`; topic and
 * id, in headers, are not signed.
 *
 * @see https://shopify.dev/docs/apps/build/webhooks/subscribe/https
 */
export const shopify = (options: SecretOptions): WebhookScheme => {
  const { secret } = secretOptions('shopify', options)
  const named = (prefix: string) =>
    hmac({ secret, header: `${prefix}shopify-hmac-sha256`, encoding: 'base64' })
  const [webhooks, events] = [named('x-'), named('')]
  return defineScheme({
    name: 'shopify',
    verify: (request) => (header(request, 'shopify-hmac-sha256') ? events(request) : webhooks(request)),
    event: (request) => {
      const prefix = header(request, 'shopify-hmac-sha256') ? '' : 'x-'
      return {
        id: header(request, `${prefix}shopify-webhook-id`),
        type: header(request, `${prefix}shopify-topic`),
        timestamp: header(request, `${prefix}shopify-triggered-at`),
        data: request.payload,
      }
    },
  })
}

/**
 * Dropbox, which says whose files have changed (type: `change`) and nothing more; the id is made of the body. Its
 * challenge by GET is answered.
 *
 * @see https://www.dropbox.com/developers/reference/webhooks
 */
export const dropbox = signing({
  name: 'dropbox',
  signature: { header: 'x-dropbox-signature' },
  handshake: ({ method, url }) => {
    const challenge = url.searchParams.get('challenge')
    return method === 'GET' && challenge !== null ? plainText(challenge) : undefined
  },
  event: ({ payload }) => ({ type: 'change', data: payload }),
})

/**
 * Zendesk: event subscriptions (type: `zen:event-type:ticket.created`), and webhooks of triggers and automations, whose
 * JSON is the author's own: its `type`, or else `zendesk`.
 *
 * @see https://developer.zendesk.com/documentation/webhooks/verifying/
 */
export const zendesk = signing({
  name: 'zendesk',
  signature: {
    header: 'x-zendesk-webhook-signature',
    encoding: 'base64',
    content: (request) => [header(request, 'x-zendesk-webhook-signature-timestamp') ?? '', request.body],
    timestamp: (request) => Date.parse(header(request, 'x-zendesk-webhook-signature-timestamp') ?? ''),
  },
  event: (request) => ({
    id: at(request.payload, 'id') ?? header(request, 'x-zendesk-webhook-invocation-id'),
    type: at(request.payload, 'type'),
    timestamp: at(request.payload, 'time'),
    data: request.payload,
  }),
})

/**
 * Trello. The secret is the OAuth secret of the Power-Up, the URL the webhook's `callbackURL`. The type is the action's:
 * `updateCard`. The HEAD by which Trello tries a URL is answered.
 *
 * @see https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/
 */
export const trello = signingUrl({
  name: 'trello',
  signature: {
    header: 'x-trello-webhook',
    hash: 'SHA-1',
    encoding: 'base64',
    content: ({ body }, url) => [body, url],
  },
  handshake: ({ method }) => (method === 'HEAD' ? ok : undefined),
  event: ({ payload }) => ({
    id: at(payload, 'action', 'id'),
    type: at(payload, 'action', 'type'),
    timestamp: at(payload, 'action', 'date'),
    data: payload,
  }),
})

/**
 * Bitbucket Cloud and Data Center (type: `repo:push`, `pr:opened`). The body is signed; the event's name and the
 * request's id, in headers, are not.
 *
 * @see https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
 */
export const bitbucket = signing({
  name: 'bitbucket',
  signature: { header: 'x-hub-signature', prefix: 'sha256=' },
  event: (request) => ({
    id: header(request, 'x-request-uuid') ?? header(request, 'x-request-id'),
    type: header(request, 'x-event-key'),
    timestamp: at(request.payload, 'date'),
    data: request.payload,
  }),
})

/**
 * Intercom (type: the topic, `conversation.user.created`). The secret is the app's client secret. The HEAD by which
 * Intercom tries a URL is answered; its `ping` is an event.
 *
 * @see https://developers.intercom.com/docs/webhooks/setting-up-webhooks
 */
export const intercom = signing({
  name: 'intercom',
  signature: { header: 'x-hub-signature', hash: 'SHA-1', prefix: 'sha1=' },
  handshake: ({ method }) => (method === 'HEAD' ? ok : undefined),
  event: ({ payload }) => ({
    id: at(payload, 'id'),
    type: at(payload, 'topic'),
    timestamp: at(payload, 'created_at'),
    data: payload,
  }),
})

/**
 * Linear (type: `Issue.create`). The signed body says when it was sent.
 *
 * @see https://linear.app/developers/webhooks
 */
export const linear = signing({
  name: 'linear',
  signature: {
    header: 'linear-signature',
    timestamp: ({ payload }) => Number(at(payload, 'webhookTimestamp') ?? Number.NaN),
  },
  event: (request) => ({
    id: header(request, 'linear-delivery'),
    type: typeOf(textAt(request.payload, 'type'), textAt(request.payload, 'action')),
    timestamp: at(request.payload, 'createdAt'),
    data: request.payload,
  }),
})

/**
 * Square (type: `payment.updated`). The secret is the subscription's signature key, the URL its notification URL.
 *
 * @see https://developer.squareup.com/docs/webhooks/step3validate
 */
export const square = signingUrl({
  name: 'square',
  signature: {
    header: 'x-square-hmacsha256-signature',
    encoding: 'base64',
    content: ({ body }, url) => [url, body],
  },
  event: ({ payload }) => ({
    id: at(payload, 'event_id'),
    type: at(payload, 'type'),
    timestamp: at(payload, 'created_at'),
    data: payload,
  }),
})

/** What the scheme of Meta's platforms is given. */
export interface MetaOptions extends SecretOptions {
  /** The verify token that was entered beside the URL. */
  readonly verifyToken: SecretSource
}

const META_NAMES: FieldNames<MetaOptions> = { secret: true, verifyToken: true }

/**
 * Meta: Facebook, Instagram, Messenger, WhatsApp (type: the object, `instagram`; the entries are the data). The secret
 * is the app secret. Subscribing (`hub.challenge`) is answered to who knows the verify token.
 *
 * @see https://developers.facebook.com/docs/graph-api/webhooks/getting-started
 */
export const meta = (options: MetaOptions): WebhookScheme => {
  assertFields(createArgumentAssertion('meta'), options, META_NAMES)
  const { secret, verifyToken } = options
  const tokensOf = secretList(verifyToken)
  return defineScheme({
    name: 'meta',
    verify: hmac({ secret, header: 'x-hub-signature-256', prefix: 'sha256=' }),
    async handshake(request) {
      const { searchParams } = request.url
      const challenge = searchParams.get('hub.challenge')
      if (request.method !== 'GET' || searchParams.get('hub.mode') !== 'subscribe' || challenge === null) {
        return undefined
      }
      for (const token of await tokensOf(request)) {
        if (await isSameText(searchParams.get('hub.verify_token') ?? '', token)) return plainText(challenge)
      }
      return { ...plainText('The verify token is another one.'), status: 403 }
    },
    event: ({ payload }) => ({ type: at(payload, 'object'), data: payload }),
  })
}

/** What the scheme of Pusher is given. */
export interface PusherOptions extends SecretOptions {
  /** The key of the app; requests of others are refused. */
  readonly key: string
}

const PUSHER_NAMES: FieldNames<PusherOptions> = { secret: true, key: true }

/**
 * Pusher Channels, which sends several events in a request (type: `channel_occupied`).
 *
 * @see https://pusher.com/docs/channels/server_api/webhooks/
 */
export const pusher = (options: PusherOptions): WebhookScheme => {
  assertFields(createArgumentAssertion('pusher'), options, PUSHER_NAMES)
  const { key, secret } = options
  checkText('pusher', 'key', key)
  const verify = hmac({ secret, header: 'x-pusher-signature' })
  return defineScheme({
    name: 'pusher',
    verify: (request) => header(request, 'x-pusher-key') === key && verify(request),
    event: ({ payload }) => {
      const time = at(payload, 'time_ms')
      const timestamp = typeof time === 'number' ? time / 1_000 : undefined
      return listAt(payload, 'events').map((data) => ({ type: at(data, 'name'), timestamp, data }))
    },
  })
}

function listAt(payload: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = at(payload, ...path)
  return Array.isArray(list) ? list : []
}
