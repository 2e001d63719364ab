import { ALL_TENANTS, type FieldNames, isEventTypePattern, isPlainObject, shown } from '@x/events-core'
import { isStorable } from '@x/events-engine/internal'
import { SCOPE } from '../argument.ts'
import { isSchedule, SCHEDULE_RULE } from '../deliver/retry-schedule.ts'
import { assertArgument, assertEndpoint, invalidEndpoint, WebhookSenderError } from '../errors.ts'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import { type AddressPolicy, isAllowedHost } from '../http/addresses.ts'
import { PAYLOAD_FORMATS, type PayloadFormat } from '../messages/message.ts'
import type { PayloadVersions } from '../messages/render.ts'
import type { Concurrency, RateLimit, SignatureKind, TenantScope } from './endpoint.ts'
import type { OrderingKeys } from './ordering.ts'

const MAX_EVENT_TYPES = 100
/** Of all together: those of every endpoint are read whenever one has changed. */
const MAX_EVENT_TYPES_LENGTH = 5_000
const MAX_DESCRIPTION_LENGTH = 1_000
const MAX_METADATA_ENTRIES = 50
const MAX_METADATA_LENGTH = 500

/** The rules that an endpoint must satisfy. */
export interface EndpointRules extends UrlRules {
  readonly orderingKeys: OrderingKeys
  readonly catalog: Pick<EventCatalog, 'problemOf' | 'contentsOf'>
  readonly payloadVersions: PayloadVersions
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateTenantId(tenantId: unknown): number {
  assertEndpoint(
    Number.isSafeInteger(tenantId) && tenantId !== ALL_TENANTS,
    'tenantId',
    'an integer, and that of one tenant',
    tenantId,
  )
  return tenantId as number
}

/**
 * The tenant that a scope narrows a call to; undefined where there is none. A tenant that is missing by mistake must not open
 * those of all others: it is named by its own name and has a value, or is not named at all.
 *
 * @throws WebhookSenderError `invalid_argument`
 */
export function tenantOf(scope: TenantScope | undefined): number | undefined {
  const { tenantId } = assertArgument.fields('', scope, SCOPE)
  if (scope === undefined || !('tenantId' in scope)) return undefined
  const isTenant = Number.isSafeInteger(tenantId) && tenantId !== ALL_TENANTS
  assertArgument(
    isTenant,
    'tenantId',
    'an integer, and that of one tenant; leave it out for all tenants',
    tenantId,
  )
  return tenantId as number
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateSignature(signature: unknown): SignatureKind {
  if (signature === undefined) return 'hmac'
  assertEndpoint(
    signature === 'hmac' || signature === 'ed25519',
    'signature',
    "'hmac' or 'ed25519'",
    signature,
  )
  return signature as SignatureKind
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateVerifyOwnership(given: unknown = false): boolean {
  assertEndpoint(typeof given === 'boolean', 'verifyOwnership', 'true or false', given)
  return given as boolean
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateSequence(given: unknown): boolean {
  assertEndpoint(typeof given === 'boolean', 'sequence', 'true or false', given)
  return given as boolean
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateSiteId(siteId: unknown): number | null {
  assertEndpoint(siteId === null || Number.isSafeInteger(siteId), 'siteId', 'an integer', siteId)
  return siteId as number | null
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateEventTypes(eventTypes: unknown, { catalog }: EndpointRules): string[] {
  assertEndpoint(
    Array.isArray(eventTypes) && eventTypes.length >= 1 && eventTypes.length <= MAX_EVENT_TYPES,
    'eventTypes',
    `a list of 1 to ${MAX_EVENT_TYPES} event types; ['*'] for all`,
    Array.isArray(eventTypes) ? `${eventTypes.length} of them` : eventTypes,
  )
  let length = 0
  for (const pattern of eventTypes as unknown[]) {
    assertEndpoint(
      typeof pattern === 'string' && isEventTypePattern(pattern),
      'eventTypes',
      "event types or patterns such as 'File.Download', 'File.*', '*.Delete', '*'",
      pattern,
    )
    length += (pattern as string).length
    const fits = length <= MAX_EVENT_TYPES_LENGTH
    assertEndpoint(fits, 'eventTypes', `at most ${MAX_EVENT_TYPES_LENGTH} characters together`, eventTypes)
    const unknown = catalog.problemOf(pattern as string)
    if (unknown) {
      const { problem, suggestions } = unknown
      const options = { field: 'eventTypes', suggestions }
      throw new WebhookSenderError('invalid_endpoint', `The endpoint's eventTypes name ${problem}.`, options)
    }
  }
  return [...new Set(eventTypes as string[])]
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateDescription(description: unknown): string {
  assertEndpoint(
    typeof description === 'string' &&
      description.length <= MAX_DESCRIPTION_LENGTH &&
      isStorable(description),
    'description',
    `a text of at most ${MAX_DESCRIPTION_LENGTH} characters`,
    description,
  )
  return description as string
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateMetadata(metadata: unknown): Record<string, string> {
  assertEndpoint(isPlainObject(metadata), 'metadata', 'a plain object of texts', metadata)
  const entries = Object.entries(metadata as object) as [string, unknown][]
  assertEndpoint(
    entries.length <= MAX_METADATA_ENTRIES,
    'metadata',
    `at most ${MAX_METADATA_ENTRIES} entries`,
    `${entries.length} of them`,
  )
  for (const [name, value] of entries) {
    assertEndpoint(
      name !== '' &&
        name.length <= MAX_METADATA_LENGTH &&
        isStorable(name) &&
        typeof value === 'string' &&
        value.length <= MAX_METADATA_LENGTH &&
        isStorable(value),
      `metadata.${name.slice(0, 100)}`,
      `a text of at most ${MAX_METADATA_LENGTH} characters`,
      value,
    )
  }
  return Object.fromEntries(entries) as Record<string, string>
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateFormat(given: unknown): PayloadFormat {
  const formats = PAYLOAD_FORMATS.map((format) => `'${format}'`).join(', ')
  assertEndpoint(PAYLOAD_FORMATS.includes(given as PayloadFormat), 'format', `one of ${formats}`, given)
  return given as PayloadFormat
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validatePayloadVersion(given: unknown, { names, initial }: PayloadVersions): string | null {
  if (given === null) return initial
  const must =
    names.length === 0
      ? 'left out, since createWebhookSender was given no options.payloadVersions'
      : `one of ${names.map((name) => `'${name}'`).join(', ')}`
  assertEndpoint(names.includes(given as string), 'payloadVersion', must, given)
  return given as string
}

const MAX_HEADERS = 20
const MAX_NAME_LENGTH = 100
const MAX_VALUE_LENGTH = 4_096
/** Of all together, names and values: servers limit what the headers of a request come to. Node's limit is 16 KB. */
const MAX_HEADERS_LENGTH = 8_192
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// A tab, or visible ASCII and spaces: no line break can end the header early.
const VALUE = /^[\t\x20-\x7e]*$/

// Headers of the connection and the message, and those that the sender sets itself.
const RESERVED = new Set([
  'accept-encoding',
  'connection',
  'date',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
])
const RESERVED_PREFIXES = ['ce-', 'content-', 'proxy-', 'sec-', 'svix-', 'webhook-', 'x-forwarded-']

/**
 * Reads an endpoint's own headers; their names become lower case.
 *
 * @throws WebhookSenderError `invalid_endpoint`
 */
export function validateHeaders(headers: unknown): Record<string, string> {
  if (headers === undefined) return {}
  if (!isPlainObject(headers)) {
    throw invalidEndpoint('headers', 'must be a plain object of names and texts', shown(headers))
  }
  const entries = Object.entries(headers)
  if (entries.length > MAX_HEADERS) {
    throw invalidEndpoint('headers', `must be at most ${MAX_HEADERS}`, `${entries.length} of them`)
  }
  const valid = new Map<string, string>()
  for (const [name, value] of entries) {
    const lowerName = name.toLowerCase()
    const field = `headers.${lowerName.slice(0, MAX_NAME_LENGTH)}`
    if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) {
      throw invalidEndpoint(
        field,
        `has a name that is no header name of at most ${MAX_NAME_LENGTH} characters`,
        shown(name),
      )
    }
    if (RESERVED.has(lowerName) || RESERVED_PREFIXES.some((prefix) => lowerName.startsWith(prefix))) {
      throw invalidEndpoint(field, 'is set by the sender or the connection and cannot be given', shown(name))
    }
    if (valid.has(lowerName)) throw invalidEndpoint(field, 'must be given once', 'it in two spellings')
    // The value may be a credential, so the error does not show it.
    if (typeof value !== 'string' || !VALUE.test(value) || value.length > MAX_VALUE_LENGTH) {
      throw invalidEndpoint(
        field,
        `must be a text of at most ${MAX_VALUE_LENGTH} printable ASCII characters without line breaks`,
        'something else',
      )
    }
    valid.set(lowerName, value.trim())
  }
  const length = [...valid].flat().join('').length
  if (length > MAX_HEADERS_LENGTH) {
    const rule = `must have at most ${MAX_HEADERS_LENGTH} characters together, names and values`
    throw invalidEndpoint('headers', rule, `${length} of them`)
  }
  return Object.fromEntries(valid)
}

const CONCURRENCY: FieldNames<Concurrency> = { min: true, max: true }
const RATE_LIMIT: FieldNames<RateLimit> = { limit: true, perSeconds: true }
const MAX_CONCURRENCY = 64
const MAX_RATE = 10_000
const MAX_PER_SECONDS = 86_400

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateConcurrency(given: unknown): Concurrency {
  const { min, max } = boundsOf(given)
  assertEndpoint(
    isIntegerIn(max, 1, MAX_CONCURRENCY),
    'concurrency',
    `an integer from 1 to ${MAX_CONCURRENCY}, or { min, max } of such`,
    max,
  )
  assertEndpoint(isIntegerIn(min, 1, max), 'concurrency.min', 'an integer from 1 to max', min)
  return { min, max }
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateRateLimit(given: unknown): RateLimit | null {
  if (given === null) return null
  const { limit, perSeconds } = assertEndpoint.fields('rateLimit', given as RateLimit, RATE_LIMIT)
  assertEndpoint(
    isIntegerIn(limit, 1, MAX_RATE),
    'rateLimit.limit',
    `an integer from 1 to ${MAX_RATE}`,
    limit,
  )
  assertEndpoint(
    isIntegerIn(perSeconds, 1, MAX_PER_SECONDS),
    'rateLimit.perSeconds',
    `an integer from 1 to ${MAX_PER_SECONDS}`,
    perSeconds,
  )
  return { limit, perSeconds }
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateRetrySchedule(given: unknown): readonly number[] | null {
  if (given === null) return null
  assertEndpoint(isSchedule(given), 'retrySchedule', SCHEDULE_RULE, given)
  return [...(given as number[])]
}

function boundsOf(given: unknown): Concurrency {
  if (typeof given !== 'object' || given === null) return { min: 1, max: given as number }
  const { min = 1, max = 8 } = assertEndpoint.fields(
    'concurrency',
    given as Partial<Concurrency>,
    CONCURRENCY,
  )
  return { min, max }
}

function isIntegerIn(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

const MAX_URL_LENGTH = 2_048

/** The rules that an endpoint's URL must satisfy. */
export interface UrlRules {
  readonly addressPolicy: AddressPolicy
  readonly httpsOnly: boolean
  /** Ports below 1024 that are allowed besides 80 and 443. */
  readonly allowPorts: readonly number[]
}

/** A field that holds a URL, and what an error calls it. */
interface UrlField {
  readonly field: string
  readonly name: string
}

const ENDPOINT_URL: UrlField = { field: 'url', name: "The endpoint's url" }

/**
 * Reads a URL, and refuses one that could never be sent to. The addresses of a name may change, so they are checked at
 * every connection.
 *
 * @param of - the field that it is the value of; the URL of an endpoint where nothing is said.
 * @returns the URL as it will be requested.
 * @throws WebhookSenderError `invalid_url`, `forbidden_address`
 */
export function validateUrl(text: unknown, rules: UrlRules, of: UrlField = ENDPOINT_URL): string {
  const invalid = (rule: string, got: string) =>
    new WebhookSenderError('invalid_url', `${of.name} ${rule}; got ${got}.`, { field: of.field })
  if (typeof text !== 'string' || text === '') {
    const orNull = of === ENDPOINT_URL ? ', or null where messages are only read' : ''
    throw invalid(`must be a text${orNull}`, text === '' ? "''" : typeof text)
  }
  const url = URL.parse(text)
  if (!url) throw invalid('must be an absolute URL such as https://example.com/hook', shown(text))
  if (url.username !== '' || url.password !== '') {
    throw invalid('must not hold credentials; put them into a header', `some for ${shown(url.host)}`)
  }
  const broken = brokenRule(url, rules)
  if (broken) throw invalid(broken.rule, broken.got)
  url.hash = ''
  // As it is sent: percent-encoding makes up to nine characters of one.
  if (url.href.length > MAX_URL_LENGTH) {
    throw invalid(
      `must have at most ${MAX_URL_LENGTH} characters, percent-encoded`,
      `${url.href.length} of them`,
    )
  }
  if (!isAllowedHost(url.hostname, rules.addressPolicy)) {
    throw new WebhookSenderError(
      'forbidden_address',
      `${of.name} leads to ${shown(url.hostname)}, which is not a public address; use one that is.`,
      { field: of.field, remedy: "createWebhookSender's options.network.allow opens other networks." },
    )
  }
  return url.href
}

/** The rule on scheme and port that a URL breaks. It is checked before each delivery too, since rules change. */
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
