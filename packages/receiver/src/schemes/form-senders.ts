import { WebhookVerificationError } from '@x/signature'
import { parseJson } from '../parse-payload.ts'
import type { WebhookScheme } from '../protocol.ts'
import { defineScheme } from './define-scheme.ts'
import { isSameText, sha256Hex } from './digest.ts'
import { at, textAt, typeOf } from './payload.ts'
import type { SchemeRequest } from './scheme.ts'
import { givenUrl, type SecretAndUrlOptions, secretAndUrlOptions } from './signing-senders.ts'
import { hmac } from './verify.ts'

// Both sign the URL and then the fields of the form, sorted, each name followed by its value.

/**
 * Twilio: forms, and JSON whose hash (`bodySHA256`) is in the URL that is signed. The secret is the account's auth
 * token. The type says what a form is about: its `EventType`, `message.delivered`, `call.completed`, or `twilio`.
 *
 * A call or message that waits for TwiML gets an empty answer.
 *
 * @see https://www.twilio.com/docs/usage/security
 */
export const twilio = (options: SecretAndUrlOptions): WebhookScheme => {
  const { secret, url } = secretAndUrlOptions('twilio', options)
  const urlOf = givenUrl('twilio', url)
  const signedUrl = (request: SchemeRequest) => {
    const given = urlOf(request)
    // What Twilio adds to the URL, it signs as well.
    return typeof url === 'function' || given.includes('?') ? given : given + request.url.search
  }
  const withUrl = (spell: (url: string) => string) =>
    hmac({
      secret,
      header: 'x-twilio-signature',
      hash: 'SHA-1',
      encoding: 'base64',
      content: (request) => [spell(signedUrl(request)), ...sortedFields(request)],
    })
  // Twilio signs the port of a URL for some of its products and leaves it out for others.
  const ways = [withUrl((given) => given), withUrl(withPort), withUrl(withoutPort)]

  return defineScheme({
    name: 'twilio',
    formats: ['json', 'form'],
    async verify(request) {
      const proof = await firstOf(ways, request)
      await checkBodyHash(request, signedUrl(request))
      return proof
    },
    event: ({ headers, payload }) => ({
      id: headers.get('i-twilio-idempotency-token'),
      type: twilioType(payload),
      data: payload,
    }),
  })
}

async function firstOf(ways: readonly ReturnType<typeof hmac>[], request: SchemeRequest) {
  const [way, ...others] = ways
  if (!way) return false
  try {
    return await way(request)
  } catch (error) {
    const isOther = WebhookVerificationError.is(error) && error.code === 'no_matching_signature'
    if (!isOther || others.length === 0) throw error
    return firstOf(others, request)
  }
}

const AUTHORITY = /^(https?:\/\/(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*))(:\d+)?/i

function withPort(url: string): string {
  return url.replace(AUTHORITY, (_all, host: string, port?: string) => {
    return host + (port ?? (/^https/i.test(host) ? ':443' : ':80'))
  })
}

function withoutPort(url: string): string {
  return url.replace(AUTHORITY, '$1')
}

function sortedFields(request: SchemeRequest): string[] {
  const isForm = /^application\/x-www-form-urlencoded/i.test(request.headers.get('content-type') ?? '')
  if (!isForm) return []
  const names = new Map<string, Set<string>>()
  for (const [name, value] of new URLSearchParams(request.text)) {
    names.set(name, (names.get(name) ?? new Set()).add(value))
  }
  // By code units, as the senders' libraries sort.
  return [...names.keys()].sort().flatMap((name) => {
    return [...(names.get(name) ?? [])].sort().map((value) => name + value)
  })
}

/** JSON is signed by its hash in the URL; without one, a body that is no form would be signed by nobody. */
async function checkBodyHash(request: SchemeRequest, url: string): Promise<void> {
  const isForm = /^application\/x-www-form-urlencoded/i.test(request.headers.get('content-type') ?? '')
  // Of the URL that was signed, not of the one that the request has: whoever sends it chooses that.
  const claimed = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('bodySHA256')
  if (claimed === null && (isForm || request.body.length === 0)) return
  if (claimed !== null && (await isSameText(claimed.toLowerCase(), await sha256Hex(request.body)))) return
  throw new WebhookVerificationError(
    'no_matching_signature',
    'The body is not the one whose hash (bodySHA256) is in the URL that was signed.',
  )
}

function twilioType(payload: unknown): string | undefined {
  const status = (prefix: string, name: string) => {
    const value = textAt(payload, name)
    return value === undefined ? undefined : typeOf(prefix, value)
  }
  return (
    textAt(payload, 'EventType') ??
    status('message', 'MessageStatus') ??
    status('message', 'SmsStatus') ??
    status('call', 'CallStatus')
  )
}

/** What Mandrill signs its first, empty request with, before there is a webhook and so a key. */
const TRIAL_KEY = 'test-webhook'

/**
 * Mailchimp Transactional (Mandrill), which sends several events in a request (type: `send`, `open`, `inbound`). The
 * secret is the webhook's key. The HEAD and the empty request by which Mandrill tries a URL are answered.
 *
 * @see https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/
 */
export const mandrill = (options: SecretAndUrlOptions): WebhookScheme => {
  const { secret, url } = secretAndUrlOptions('mandrill', options)
  const urlOf = givenUrl('mandrill', url)
  const content = (request: SchemeRequest) => [urlOf(request), ...sortedFields(request)]
  const signature = { header: 'x-mandrill-signature', hash: 'SHA-1', encoding: 'base64', content } as const
  const verify = hmac({ ...signature, secret })
  const verifyTrial = hmac({ ...signature, secret: TRIAL_KEY })
  const eventsOf = ({ payload }: SchemeRequest) => {
    const events = parseJson(textAt(payload, 'mandrill_events') ?? 'null')
    if (Array.isArray(events)) return events
    throw new WebhookVerificationError('invalid_body', 'The field mandrill_events must be a list, as JSON.')
  }
  return defineScheme({
    name: 'mandrill',
    formats: ['form'],
    // Anyone can sign the trial: it may bring nothing.
    verify: (request) =>
      firstOf(
        textAt(request.payload, 'mandrill_events') === '[]' ? [verify, verifyTrial] : [verify],
        request,
      ),
    handshake: ({ method }) => (method === 'HEAD' ? {} : undefined),
    event: (request) =>
      eventsOf(request).map((data: unknown) => ({
        type: at(data, 'event') ?? at(data, 'type'),
        timestamp: at(data, 'ts'),
        data,
      })),
  })
}
