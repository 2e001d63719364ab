import { isIP } from 'node:net'
import { shown, WebhookSenderError } from '../errors.ts'
import type { AddressPolicy } from '../network/address-policy.ts'

const MAX_URL_LENGTH = 2_048
const LOOPBACK_NAME = /(?:^|\.)localhost\.?$/

/** What decides whether a URL may be an endpoint's. */
export interface UrlRules {
  readonly addressPolicy: AddressPolicy
  readonly httpsOnly: boolean
}

/**
 * Reads an endpoint's URL, and refuses one that could never be delivered to. What a name resolves to
 * is looked at when it is connected to, every time: it may change.
 *
 * @returns the URL as it will be requested.
 * @throws WebhookSenderError `invalid_url`, `forbidden_address`
 */
export function validateUrl(text: unknown, { addressPolicy, httpsOnly }: UrlRules): string {
  if (typeof text !== 'string' || text === '') throw invalid('must be a text', typeof text)
  if (text.length > MAX_URL_LENGTH) {
    throw invalid(`must have at most ${MAX_URL_LENGTH} characters`, `${text.length} of them`)
  }
  const url = URL.parse(text)
  if (!url) throw invalid('must be an absolute URL such as https://example.com/hook', shown(text))
  if (url.username !== '' || url.password !== '') {
    throw invalid('must not hold credentials; put them into a header', `some for ${shown(url.host)}`)
  }
  if (url.protocol !== 'https:' && (httpsOnly || url.protocol !== 'http:')) {
    throw invalid(`must begin with ${httpsOnly ? 'https:' : 'https: or http:'}`, shown(url.protocol))
  }
  if (url.port === '0') throw invalid('must have a port that can be connected to', 'port 0')
  url.hash = ''
  refuseForbiddenHost(url, addressPolicy)
  return url.href
}

/** The host of a URL as an address, or undefined where it is a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

function refuseForbiddenHost({ hostname }: URL, policy: AddressPolicy): void {
  const address = literalAddress(hostname)
  const isAllowed = LOOPBACK_NAME.test(hostname)
    ? policy.isAllowed('127.0.0.1') || policy.isAllowed('::1')
    : address === undefined || policy.isAllowed(address)
  if (isAllowed) return
  throw new WebhookSenderError(
    'forbidden_address',
    `The endpoint's url leads to ${shown(hostname)}, which is not a public address; use one that is, or open its network with createWebhookSender's options.network.allow.`,
    { field: 'url' },
  )
}

function invalid(rule: string, got: string): WebhookSenderError {
  return new WebhookSenderError('invalid_url', `The endpoint's url ${rule}; got ${got}.`, { field: 'url' })
}
