import { EventsError, shown } from '@x/events-core'
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

/**
 * Checks who may send.
 *
 * @throws EventsError (`invalid_argument`)
 */
export function checkedHandshake(handshake: HandshakeOptions | undefined): HandshakeOptions | undefined {
  if (handshake === undefined) return undefined
  const { origins, requestsPerMinute } = Object(handshake) as Partial<HandshakeOptions>
  const isList =
    Array.isArray(origins) && origins.every((one) => typeof one === 'string' && /^[!-~]{1,255}$/.test(one))
  if (origins !== '*' && !isList) throw invalid('origins', "a list of names, or '*'", origins)
  const isRate = Number.isSafeInteger(requestsPerMinute) && Number(requestsPerMinute) > 0
  if (requestsPerMinute !== undefined && !isRate) {
    throw invalid('requestsPerMinute', 'a whole number, 1 or more', requestsPerMinute)
  }
  return handshake
}

function invalid(name: string, must: string, got: unknown): EventsError<'invalid_argument'> {
  const message = `createReceiver: options.handshake.${name} must be ${must}; got ${shown(got)}`
  return new EventsError('invalid_argument', message)
}
