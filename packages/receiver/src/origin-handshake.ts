import { type Assertion, type FieldNames, isListOf } from '@x/events-core'
import type { WebhookHeaders } from '@x/signature'
import { fetchHeadersOf } from './fetch-headers.ts'

/** Who may send to this receiver, for senders that ask before they do. */
export interface HandshakeOptions {
  /** The names by which senders ask (`eventgrid.azure.net`), or `'*'` for all of them. */
  readonly origins: readonly string[] | '*'
  /**
   * How many requests a minute they may send. They are told; nothing holds them to it.
   *
   * @defaultValue any number
   */
  readonly requestsPerMinute?: number | undefined
}

/**
 * Answers a sender that asks by OPTIONS whether it may send here: the abuse protection of CloudEvents (HTTP 1.1 Web Hooks
 * for Event Delivery 1.0.2, section 4). A callback that the sender offers is not called, since anyone can name one.
 *
 * @returns undefined where it may not, or did not ask: such a request is answered as if there were no OPTIONS.
 */
export function handshakeAnswer(
  given: WebhookHeaders,
  { origins, requestsPerMinute }: HandshakeOptions,
):
  | { readonly status: 200; readonly headers: Readonly<Record<string, string>>; readonly body: '' }
  | undefined {
  const origin = fetchHeadersOf(given).get('webhook-request-origin')
  if (!origin) return undefined
  const allowed = origins === '*' ? '*' : origins.find((one) => one.toLowerCase() === origin.toLowerCase())
  if (allowed === undefined) return undefined
  return {
    status: 200,
    headers: {
      allow: 'POST, OPTIONS',
      'webhook-allowed-origin': allowed === '*' ? '*' : origin,
      'webhook-allowed-rate': String(requestsPerMinute ?? '*'),
    },
    body: '',
  }
}

const NAMES: FieldNames<HandshakeOptions> = { origins: true, requestsPerMinute: true }

const isOrigin = (value: unknown): value is string =>
  typeof value === 'string' && /^[!-~]{1,255}$/.test(value)

/**
 * Checks who may send.
 *
 * @throws EventsError (`invalid_argument`)
 */
export function checkedHandshake(
  assert: Assertion,
  handshake: HandshakeOptions | undefined,
): HandshakeOptions | undefined {
  if (handshake === undefined) return undefined
  const { origins, requestsPerMinute } = assert.fields('handshake', handshake, NAMES)
  const isList = origins === '*' || isListOf(origins, isOrigin)
  assert(isList, 'handshake.origins', "a list of names, or '*'", origins)
  if (requestsPerMinute !== undefined) {
    assert.integer('handshake.requestsPerMinute', requestsPerMinute, 1, Number.MAX_SAFE_INTEGER)
  }
  return handshake
}
