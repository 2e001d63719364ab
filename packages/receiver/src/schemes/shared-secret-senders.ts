import { type Assertion, EventsError, type FieldNames } from '@x/events-core'
import { assertFields, assertObject, createArgumentAssertion } from '../assert.ts'
import type { WebhookScheme } from '../protocol.ts'
import type { SecretSource } from '../secret-source.ts'
import { defineScheme } from './define-scheme.ts'
import { decodeBase64 } from './digest.ts'
import { at, textAt, typeOf } from './payload.ts'
import type { SchemeDefinition, SchemeRequest } from './scheme.ts'
import { checkText } from './signing-senders.ts'
import { assertHeaderName, sharedSecret } from './verify.ts'

// None of these signs anything: each sends along what it was told, so that a request proves no body. Give each URL a
// secret of its own, and keep URLs out of logs.

/** Where a sender puts the secret that it was told. */
export type SharedSecretPlace =
  | {
      /** The secret is in the URL that the sender was given: `https://.../hook?code=...`. */
      readonly code: SecretSource
      /**
       * What the parameter of the URL is called.
       *
       * @defaultValue 'code'
       */
      readonly parameter?: string | undefined
    }
  | {
      /** The sender was given a header to send. */
      readonly header: string
      readonly secret: SecretSource
    }
  | {
      /** The sender was given a name and a password (HTTP Basic). */
      readonly username: string
      readonly password: SecretSource
    }

type PlaceWith<TName extends string> = Extract<SharedSecretPlace, Readonly<Record<TName, unknown>>>

const CODE_NAMES: FieldNames<PlaceWith<'code'>> = { code: true, parameter: true }
const PASSWORD_NAMES: FieldNames<PlaceWith<'password'>> = { username: true, password: true }
const HEADER_NAMES: FieldNames<PlaceWith<'header'>> = { header: true, secret: true }

/** Verifies the secret where a sender was told to put it. */
export function verifyPlace(name: string, place: SharedSecretPlace): SchemeDefinition['verify'] {
  const assert: Assertion = createArgumentAssertion(name)
  assertObject(assert, place)
  if ('code' in place) {
    assertFields(assert, place, CODE_NAMES)
    const { code, parameter = 'code' } = place
    checkText(name, 'parameter', parameter)
    return sharedSecret({ secret: code, find: ({ url }) => url.searchParams.get(parameter) })
  }
  if ('password' in place) {
    assertFields(assert, place, PASSWORD_NAMES)
    const { username, password } = place
    checkText(name, 'username', username)
    return sharedSecret({
      secret: password,
      find: (request) => {
        const [user, given] = basicOf(request)
        return user === username ? given : undefined
      },
    })
  }
  if ('header' in place) {
    assertFields(assert, place, HEADER_NAMES)
    const { header, secret } = place
    assertHeaderName(assert, header)
    return sharedSecret({ secret, find: ({ headers }) => headers.get(header) })
  }
  throw new EventsError(
    'invalid_argument',
    `${name}: give the place of the secret: { code }, { header, secret } or { username, password }.`,
  )
}

function basicOf({ headers }: SchemeRequest): readonly [string, string] | readonly [] {
  const [, encoded = ''] = /^basic ([A-Za-z0-9+/=]+)$/i.exec(headers.get('authorization') ?? '') ?? []
  const bytes = decodeBase64(encoded, 3_000)
  if (!bytes) return []
  const text = new TextDecoder().decode(bytes)
  const colon = text.indexOf(':')
  return colon < 0 ? [] : [text.slice(0, colon), text.slice(colon + 1)]
}

function toldBy(definition: Omit<SchemeDefinition, 'verify'>): (place: SharedSecretPlace) => WebhookScheme {
  return (place) => defineScheme({ ...definition, verify: verifyPlace(definition.name, place) })
}

/**
 * Any sender of JSON or forms that sends a secret along instead of signing: the body's `id` and `type` are the event's.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { generic } from '@x/receiver/schemes'
 *
 * const receiver = createReceiver({ scheme: generic({ header: 'x-api-key', secret: process.env['API_KEY']! }) })
 * ```
 */
export const generic = toldBy({
  name: 'generic',
  formats: ['json', 'form'],
  event: ({ payload }) => ({
    id: at(payload, 'id'),
    type: at(payload, 'type'),
    timestamp: at(payload, 'timestamp'),
    data: payload,
  }),
})

/**
 * Mailchimp Marketing (type: `subscribe`). The GET by which Mailchimp tries a URL is answered to who knows the code.
 *
 * @see https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/
 */
export const mailchimp = (place: SharedSecretPlace): WebhookScheme => {
  const verify = verifyPlace('mailchimp', place)
  return defineScheme({
    name: 'mailchimp',
    formats: ['form'],
    verify,
    handshake: async (request) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
      return (await verify(request)) ? {} : undefined
    },
    event: ({ payload }) => ({
      type: at(payload, 'type'),
      timestamp: utcOf(at(payload, 'fired_at')),
      data: payload,
    }),
  })
}

/** `2009-03-26 21:40:57`, which Mailchimp means in UTC. */
function utcOf(time: unknown): string | undefined {
  return typeof time === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(time)
    ? `${time.replace(' ', 'T')}Z`
    : undefined
}

/**
 * Azure Monitor alerts: the common schema (type: `Metric.Fired`), and the classic one (type: `Activated`).
 *
 * @see https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
 */
export const azureAlerts = toldBy({
  name: 'azureAlerts',
  event: ({ payload }) => {
    const essentials = at(payload, 'data', 'essentials')
    return {
      type:
        typeOf(textAt(essentials, 'signalType'), textAt(essentials, 'monitorCondition')) ??
        textAt(payload, 'data', 'status') ??
        textAt(payload, 'status'),
      timestamp: at(essentials, 'resolvedDateTime') ?? at(essentials, 'firedDateTime'),
      data: payload,
    }
  },
})

/**
 * Azure DevOps, once VSTS (type: `git.push`).
 *
 * @see https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks
 */
export const azureDevOps = toldBy({
  name: 'azureDevOps',
  event: ({ payload }) => ({
    id: at(payload, 'id'),
    type: at(payload, 'eventType'),
    timestamp: at(payload, 'createdDate'),
    data: payload,
  }),
})

/**
 * Azure Container Registry (type: `push`).
 *
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
 */
export const azureContainerRegistry = toldBy({
  name: 'azureContainerRegistry',
  event: ({ payload }) => ({
    id: at(payload, 'id'),
    type: at(payload, 'action'),
    timestamp: at(payload, 'timestamp'),
    data: payload,
  }),
})

/**
 * Kudu of Azure App Service, after a deployment (type: its status, `success`).
 *
 * @see https://github.com/projectkudu/kudu/wiki/Web-hooks
 */
export const kudu = toldBy({
  name: 'kudu',
  event: ({ payload }) => ({
    type: at(payload, 'status'),
    timestamp: at(payload, 'endTime'),
    data: payload,
  }),
})

/**
 * Microsoft Dataverse, once Dynamics CRM (type: `account.Create`): `WebhookKey` is a `code`, `HttpHeader` a header,
 * `HttpQueryString` a `code` with its `parameter`.
 *
 * @see https://learn.microsoft.com/power-apps/developer/data-platform/use-webhooks
 */
export const dataverse = toldBy({
  name: 'dataverse',
  event: ({ payload }) => ({
    type: typeOf(textAt(payload, 'PrimaryEntityName'), textAt(payload, 'MessageName')),
    data: payload,
  }),
})

/**
 * WordPress.com, and the plugin HookPress (type: the hook, `publish_post`).
 *
 * @see https://wordpress.com/support/webhooks/
 */
export const wordpress = toldBy({
  name: 'wordpress',
  formats: ['form', 'json'],
  event: ({ payload }) => ({ type: at(payload, 'hook'), data: payload }),
})
