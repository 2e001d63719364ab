import { type Assertion, type FieldNames, isStorableDate } from '@x/events-core'
import { createSyncSigner, type HeaderFamily } from '@x/signature'
import { assertFields, createArgumentAssertion } from './assert.ts'

export { type FakeClock, fakeClock } from './fake-clock.ts'

/** A webhook to sign in a test; see {@link signedRequest}. */
export interface TestMessage {
  /** `whsec_...`, or several while they are being rotated; on Node `whsk_...` too. */
  readonly secret: string | readonly string[]
  /**
   * The `webhook-id`.
   *
   * @defaultValue a new one each time
   */
  readonly id?: string | undefined
  /**
   * When the attempt was signed.
   *
   * @defaultValue now
   */
  readonly timestamp?: Date | undefined
  /**
   * What the three headers are called: `webhook-id` and so on, or `svix-id`, as from senders that use Svix.
   *
   * @defaultValue 'webhook'
   */
  readonly headerFamily?: HeaderFamily | undefined
  /** Bytes or text are sent as they are, anything else as JSON. */
  readonly body: Uint8Array | string | object
}

/** The headers of a signed webhook, named as Standard Webhooks names them. */
export interface SignedHeaders extends Record<string, string> {
  readonly 'content-type': string
  readonly 'webhook-id': string
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

const NAMES: FieldNames<TestMessage> = {
  secret: true,
  id: true,
  timestamp: true,
  headerFamily: true,
  body: true,
}
const assertMessage: Assertion = createArgumentAssertion('signedHeaders')

function bytesOf(body: TestMessage['body']): Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return Uint8Array.from(body)
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
}

/**
 * Signs a webhook as its sender would, for tests of code that receives it.
 *
 * @throws WebhookKeyError when the secret cannot be used, EventsError (`invalid_argument`) when something else cannot.
 *
 * @example
 * ```ts
 * import { signedHeaders } from '@x/receiver/testing'
 *
 * declare const secret: string
 * const body = JSON.stringify({ type: 'File.Create', timestamp: '2026-01-01T00:00:00Z', data: {} })
 * await fetch('http://localhost:3000/hook', {
 *   method: 'POST',
 *   headers: signedHeaders({ secret, body }),
 *   body,
 * })
 * ```
 */
export function signedHeaders(
  message: TestMessage & { readonly headerFamily?: 'webhook' | undefined },
): SignedHeaders
export function signedHeaders(message: TestMessage): Record<string, string>
export function signedHeaders(message: TestMessage): Record<string, string> {
  assertFields(assertMessage, message, NAMES)
  const { secret, id = `evt_${crypto.randomUUID()}`, timestamp: at = new Date() } = message
  const { headerFamily = 'webhook', body } = message
  assertMessage(isStorableDate(at), 'timestamp', 'a valid Date', at)
  assertMessage.oneOf('headerFamily', headerFamily, ['webhook', 'svix'])
  const isBody = typeof body === 'string' || (typeof body === 'object' && body !== null)
  assertMessage(isBody, 'body', 'bytes, a text, or an object', body)
  const timestamp = Math.floor(at.getTime() / 1000)
  return {
    'content-type': 'application/json',
    [`${headerFamily}-id`]: id,
    [`${headerFamily}-timestamp`]: String(timestamp),
    [`${headerFamily}-signature`]: createSyncSigner(secret).sign({
      id,
      timestamp,
      body: bytesOf(body),
    }),
  }
}

/**
 * A whole signed request, to hand to `receiver.handle` or to a framework's test client.
 *
 * @param url - where it pretends to go.
 * @throws WebhookKeyError when the secret cannot be used.
 *
 * @example
 * ```ts
 * import { createReceiver, generateSecret } from '@x/receiver'
 * import { signedRequest } from '@x/receiver/testing'
 *
 * const secret = generateSecret()
 * const receiver = createReceiver({ secrets: secret })
 * const response = await receiver.handle(
 *   signedRequest({ secret, body: { type: 'File.Create', timestamp: '2026-01-01T00:00:00Z', data: {} } }),
 * )
 * response.status // 204
 * ```
 */
export function signedRequest(message: TestMessage, url = 'https://consumer.test/hook'): Request {
  return new Request(url, { method: 'POST', headers: signedHeaders(message), body: bytesOf(message.body) })
}

/**
 * Sends a signed webhook over the network, as its sender would: for tests of a server that runs.
 *
 * @throws WebhookKeyError when the secret cannot be used; whatever `fetch` throws when nobody answers.
 *
 * @example
 * ```ts
 * import { sendWebhook } from '@x/receiver/testing'
 *
 * const { status } = await sendWebhook('http://localhost:3000/hook', {
 *   secret: process.env['WEBHOOK_SECRET']!,
 *   body: { type: 'File.Create', timestamp: new Date().toISOString(), data: { entityId: 12 } },
 * })
 * ```
 */
export function sendWebhook(url: string | URL, message: TestMessage): Promise<Response> {
  return fetch(signedRequest(message, String(url)))
}
