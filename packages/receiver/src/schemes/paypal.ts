import { type Assertion, type FieldNames, isListOf } from '@x/events-core'
import { WebhookVerificationError } from '@x/signature'
import { assertFields, assertFunction, createOptionAssertion } from '../assert.ts'
import { ReceiverError } from '../errors.ts'
import type { WebhookScheme } from '../protocol.ts'
import { readRequestBody } from '../read-body.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { crc32 } from './crc32.ts'
import { defineScheme } from './define-scheme.ts'
import { decodeBase64 } from './digest.ts'
import { at } from './payload.ts'
import type { SchemeRequest } from './scheme.ts'
import { noMatch, requiredHeader } from './verify.ts'

/** What the scheme of PayPal is given. */
export interface PayPalOptions {
  /** The id that PayPal shows for the webhook: it is part of what is signed. */
  readonly webhookId: string | readonly string[]
  /**
   * Whose certificates count. A receiver of live events does not believe those of the sandbox, where anyone is a
   * merchant.
   *
   * @defaultValue 'live'
   */
  readonly environment?: 'live' | 'sandbox' | undefined
  /**
   * Gets a certificate, through a proxy, say.
   *
   * @defaultValue the global `fetch`
   */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
}

const NAMES: FieldNames<PayPalOptions> = { webhookId: true, environment: true, fetch: true }
const assertOption: Assertion = createOptionAssertion('paypal')

const HOSTS = {
  live: ['api.paypal.com', 'api-m.paypal.com'],
  sandbox: ['api.sandbox.paypal.com', 'api-m.sandbox.paypal.com'],
} as const

const CERTIFICATE_PATH = /^\/v1\/notifications\/certs\/[\w-]{1,200}$/
const MAX_CERTIFICATE_BYTES = 65_536
const FETCH_TIMEOUT_MS = 5_000
const MAX_CERTIFICATES = 20
const FETCHES_PER_MINUTE = 10

/**
 * PayPal (type: `PAYMENT.SALE.COMPLETED`), which signs with a certificate. It is taken from PayPal's own hosts alone,
 * over TLS and without redirects, and kept until it expires.
 *
 * What is signed is no hash of the body but its CRC-32, for which anyone can find another body. So a request that was
 * captured can be altered: look up at PayPal what money depends on.
 *
 * @see https://developer.paypal.com/api/rest/webhooks/rest/
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { paypal } from '@x/receiver/schemes'
 *
 * const receiver = createReceiver({ scheme: paypal({ webhookId: process.env['PAYPAL_WEBHOOK_ID']! }) })
 * ```
 */
export function paypal(options: PayPalOptions): WebhookScheme {
  assertFields(assertOption, options, NAMES)
  const { environment = 'live' } = options
  const ids = typeof options.webhookId === 'string' ? [options.webhookId] : options.webhookId
  const areIds = isListOf(ids, isWebhookId) && ids.length > 0
  assertOption(areIds, 'webhookId', "the webhook's id as PayPal shows it", ids)
  assertOption.oneOf('environment', environment, ['live', 'sandbox'])
  assertFunction(assertOption, 'fetch', options.fetch)
  const certificateAt = certificateCache(options.fetch)

  return defineScheme({
    name: 'paypal',
    async verify(request) {
      const signature = decodeBase64(requiredHeader(request, 'paypal-transmission-sig'), 1_024)
      const algorithm = requiredHeader(request, 'paypal-auth-algo')
      const id = requiredHeader(request, 'paypal-transmission-id')
      const time = requiredHeader(request, 'paypal-transmission-time')
      if (!signature || algorithm !== 'SHA256withRSA') {
        throw new WebhookVerificationError('invalid_signature', 'The signature is not of SHA256withRSA.')
      }
      const certificate = await certificateAt(certificateUrl(request, environment), request.now)
      if (request.now < certificate.notBefore || request.now > certificate.notAfter) {
        throw new WebhookVerificationError('invalid_signature', 'The certificate is not valid at this time.')
      }
      const key = await importKey(certificate)
      const checksum = crc32(request.body)
      for (const [keyIndex, webhookId] of ids.entries()) {
        const content = new TextEncoder().encode(`${id}|${time}|${webhookId}|${checksum}`)
        const fits = await crypto.subtle.verify('RSASSA-PKCS1-v1_5', key, signature, content)
        if (fits) return { keyIndex }
      }
      throw noMatch()
    },
    event: ({ payload }) => ({
      id: at(payload, 'id'),
      type: at(payload, 'event_type'),
      timestamp: at(payload, 'create_time'),
      data: payload,
    }),
  })
}

function isWebhookId(id: unknown): id is string {
  return typeof id === 'string' && /^[A-Za-z0-9]{1,50}$/.test(id)
}

/** Where the certificate is, if that is a place of PayPal's: anyone can sign with a certificate of their own. */
function certificateUrl(request: SchemeRequest, environment: keyof typeof HOSTS): string {
  const given = requiredHeader(request, 'paypal-cert-url')
  const url = given.length <= 500 && URL.canParse(given) ? new URL(given) : undefined
  const isPayPal =
    url?.protocol === 'https:' &&
    HOSTS[environment].some((host) => host === url.host) &&
    CERTIFICATE_PATH.test(url.pathname) &&
    url.username === '' &&
    url.password === ''
  if (isPayPal) return `${url.origin}${url.pathname}`
  throw new WebhookVerificationError(
    'invalid_signature',
    `The certificate is not at a host of PayPal's (${environment}), and so is not fetched.`,
  )
}

function importKey({ publicKey }: Certificate) {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return crypto.subtle.importKey('spki', publicKey, algorithm, false, ['verify'])
}

/** Fetches certificates, each once, and only so many a minute: whoever sends a request names the certificate. */
function certificateCache(
  fetchUrl: PayPalOptions['fetch'],
): (url: string, now: number) => Promise<Certificate> {
  const known = new Map<string, Promise<Certificate>>()
  let windowEnds = 0
  let fetches = 0

  async function load(url: string): Promise<Certificate> {
    const response = await get(url, fetchUrl)
    if (response.status === 404) {
      throw new WebhookVerificationError('invalid_signature', 'PayPal knows no such certificate.')
    }
    if (!response.ok) throw unavailable(`PayPal has answered ${response.status}.`)
    const bytes = await readRequestBody(response, MAX_CERTIFICATE_BYTES)
    return readCertificate(new TextDecoder().decode(bytes))
  }

  return (url, now) => {
    const before = known.get(url)
    if (before) return before
    if (now >= windowEnds) {
      windowEnds = now + 60_000
      fetches = 0
    }
    if (++fetches > FETCHES_PER_MINUTE) return Promise.reject(unavailable('Too many were asked for.'))
    const certificate = load(url)
    const [oldest] = known.keys()
    if (known.size >= MAX_CERTIFICATES && oldest !== undefined) known.delete(oldest)
    known.set(url, certificate)
    certificate.catch(() => known.delete(url))
    return certificate
  }
}

async function get(url: string, fetchUrl: PayPalOptions['fetch'] = fetch): Promise<Response> {
  try {
    return await fetchUrl(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })
  } catch (cause) {
    throw unavailable('PayPal could not be reached.', cause)
  }
}

function unavailable(why: string, cause?: unknown): ReceiverError {
  return new ReceiverError('secrets_unavailable', `The certificate of PayPal could not be fetched. ${why}`, {
    cause,
  })
}
