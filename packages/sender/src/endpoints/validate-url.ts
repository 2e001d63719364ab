import { isIP } from 'node:net'
import { shown, WebhookSenderError } from '../errors.ts'
import type { AddressPolicy } from '../http/addresses.ts'

const MAX_URL_LENGTH = 2_048
const LOOPBACK_NAME = /(?:^|\.)localhost\.?$/

/** What decides whether a URL may be an endpoint's. */
export interface UrlRules {
  readonly addressPolicy: AddressPolicy
  readonly httpsOnly: boolean
  /** Those below 1024 that are allowed besides 80 and 443. */
  readonly allowPorts: readonly number[]
}

/**
 * Reads an endpoint's URL, and refuses one that could never be delivered to. What a name resolves to
 * is looked at when it is connected to, every time: it may change.
 *
 * @returns the URL as it will be requested.
 * @throws WebhookSenderError `invalid_url`, `forbidden_address`
 */
export function validateUrl(text: unknown, rules: UrlRules): string {
  if (typeof text !== 'string' || text === '') throw invalid('must be a text', typeof text)
  if (text.length > MAX_URL_LENGTH) {
    throw invalid(`must have at most ${MAX_URL_LENGTH} characters`, `${text.length} of them`)
  }
  const url = URL.parse(text)
  if (!url) throw invalid('must be an absolute URL such as https://example.com/hook', shown(text))
  if (url.username !== '' || url.password !== '') {
    throw invalid('must not hold credentials; put them into a header', `some for ${shown(url.host)}`)
  }
  const broken = brokenRule(url, rules)
  if (broken) throw invalid(broken.rule, broken.got)
  url.hash = ''
  refuseForbiddenHost(url, rules.addressPolicy)
  return url.href
}

/** A rule on scheme and port that a URL breaks: also asked before each delivery, since rules change. */
export function brokenRule(
  { protocol, port }: URL,
  { httpsOnly, allowPorts }: UrlRules,
): { readonly rule: string; readonly got: string } | undefined {
  if (protocol !== 'https:' && (httpsOnly || protocol !== 'http:')) {
    return { rule: `must begin with ${httpsOnly ? 'https:' : 'https: or http:'}`, got: shown(protocol) }
  }
  const number = Number(port)
  if (port === '' || number >= 1_024 || number === 80 || number === 443 || allowPorts.includes(number)) {
    return undefined
  }
  return {
    rule: `must have the port ${[80, 443, ...allowPorts].join(', ')}, or one above 1023`,
    got: port,
  }
}

/** The host of a URL as an address, or undefined where it is a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

/** False for an address that is not allowed, and for a name of this machine if it is not. */
export function isAllowedHost(hostname: string, policy: AddressPolicy): boolean {
  if (LOOPBACK_NAME.test(hostname)) return policy.isAllowed('127.0.0.1') || policy.isAllowed('::1')
  const address = literalAddress(hostname)
  return address === undefined || policy.isAllowed(address)
}

function refuseForbiddenHost({ hostname }: URL, policy: AddressPolicy): void {
  if (isAllowedHost(hostname, policy)) return
  throw new WebhookSenderError(
    'forbidden_address',
    `The endpoint's url leads to ${shown(hostname)}, which is not a public address; use one that is.`,
    { field: 'url', remedy: "createWebhookSender's options.network.allow opens other networks." },
  )
}

function invalid(rule: string, got: string): WebhookSenderError {
  return new WebhookSenderError('invalid_url', `The endpoint's url ${rule}; got ${got}.`, { field: 'url' })
}
