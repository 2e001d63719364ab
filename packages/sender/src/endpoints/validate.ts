import { ALL_TENANTS, isEventTypePattern } from '@x/events-core'
import { isStorable } from '@x/events-engine/support'
import { WebhookSenderError } from '../errors.ts'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import type { PayloadVersions } from '../messages/payload-versions.ts'
import type { SignatureKind, UpdateEndpoint } from './endpoint.ts'
import type { EndpointChange } from './endpoint-row.ts'
import { refuseUnless } from './invalid-endpoint.ts'
import { type OrderingKeys, validateOrdering } from './ordering.ts'
import { validateFormat, validatePayloadVersion } from './validate-form.ts'
import { validateHeaders } from './validate-headers.ts'
import { validateConcurrency, validateRateLimit, validateRetrySchedule } from './validate-pace.ts'
import { type UrlRules, validateUrl } from './validate-url.ts'

const MAX_EVENT_TYPES = 100
/** Of all together: those of every endpoint are read whenever one has changed. */
const MAX_EVENT_TYPES_LENGTH = 5_000
const MAX_DESCRIPTION_LENGTH = 1_000
const MAX_METADATA_ENTRIES = 50
const MAX_METADATA_LENGTH = 500
const DEFAULT_CONCURRENCY = { min: 1, max: 8 }

/** What decides whether an endpoint is sound. */
export interface EndpointRules extends UrlRules {
  readonly orderingKeys: OrderingKeys
  readonly catalog: Pick<EventCatalog, 'problemOf'>
  readonly payloadVersions: PayloadVersions
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateTenantId(tenantId: unknown): number {
  refuseUnless(
    Number.isSafeInteger(tenantId) && tenantId !== ALL_TENANTS,
    'tenantId',
    'an integer, and that of one tenant',
    tenantId,
  )
  return tenantId as number
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateSignature(signature: unknown): SignatureKind {
  if (signature === undefined) return 'hmac'
  refuseUnless(signature === 'hmac' || signature === 'ed25519', 'signature', "'hmac' or 'ed25519'", signature)
  return signature as SignatureKind
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateVerifyOwnership(given: unknown = false): boolean {
  refuseUnless(typeof given === 'boolean', 'verifyOwnership', 'true or false', given)
  return given as boolean
}

/**
 * Reads what can be changed of an endpoint, on top of what it was (or of the defaults).
 *
 * @throws WebhookSenderError `invalid_endpoint`, `invalid_url`, `forbidden_address`
 */
export function validateChange(
  input: UpdateEndpoint,
  before: EndpointChange | undefined,
  rules: EndpointRules,
): EndpointChange {
  const old = before ?? {
    siteId: null,
    eventTypes: ['*'],
    description: '',
    headers: {},
    metadata: {},
    concurrency: DEFAULT_CONCURRENCY,
    ordering: 'none' as const,
    rateLimit: null,
    retrySchedule: null,
    format: 'standard' as const,
    payloadVersion: rules.payloadVersions.initial,
  }
  return {
    siteId: input.siteId === undefined ? old.siteId : validateSiteId(input.siteId),
    // What has been there is looked at before each delivery: rules may have become stricter since.
    url: input.url === undefined && before ? before.url : validateUrl(input.url, rules),
    eventTypes: input.eventTypes === undefined ? old.eventTypes : validateEventTypes(input.eventTypes, rules),
    description: input.description === undefined ? old.description : validateDescription(input.description),
    headers: input.headers === undefined ? old.headers : validateHeaders(input.headers),
    metadata: input.metadata === undefined ? old.metadata : validateMetadata(input.metadata),
    concurrency: input.concurrency === undefined ? old.concurrency : validateConcurrency(input.concurrency),
    ordering:
      input.ordering === undefined ? old.ordering : validateOrdering(input.ordering, rules.orderingKeys),
    rateLimit: input.rateLimit === undefined ? old.rateLimit : validateRateLimit(input.rateLimit),
    retrySchedule:
      input.retrySchedule === undefined ? old.retrySchedule : validateRetrySchedule(input.retrySchedule),
    format: input.format === undefined ? old.format : validateFormat(input.format),
    payloadVersion:
      input.payloadVersion === undefined
        ? old.payloadVersion
        : validatePayloadVersion(input.payloadVersion, rules.payloadVersions),
  }
}

function validateSiteId(siteId: unknown): number | null {
  refuseUnless(siteId === null || Number.isSafeInteger(siteId), 'siteId', 'an integer', siteId)
  return siteId as number | null
}

function validateEventTypes(eventTypes: unknown, { catalog }: EndpointRules): string[] {
  refuseUnless(
    Array.isArray(eventTypes) && eventTypes.length >= 1 && eventTypes.length <= MAX_EVENT_TYPES,
    'eventTypes',
    `a list of 1 to ${MAX_EVENT_TYPES} event types; ['*'] for all`,
    Array.isArray(eventTypes) ? `${eventTypes.length} of them` : eventTypes,
  )
  let length = 0
  for (const pattern of eventTypes as unknown[]) {
    refuseUnless(
      typeof pattern === 'string' && isEventTypePattern(pattern),
      'eventTypes',
      "event types or patterns such as 'File.Download', 'File.*', '*.Delete', '*'",
      pattern,
    )
    length += (pattern as string).length
    const fits = length <= MAX_EVENT_TYPES_LENGTH
    refuseUnless(fits, 'eventTypes', `at most ${MAX_EVENT_TYPES_LENGTH} characters together`, eventTypes)
    const problem = catalog.problemOf(pattern as string)
    if (problem !== undefined) throw unknownEventType(problem)
  }
  return [...new Set(eventTypes as string[])]
}

function unknownEventType(problem: string): WebhookSenderError {
  return new WebhookSenderError('invalid_endpoint', `The endpoint's eventTypes name ${problem}.`, {
    field: 'eventTypes',
  })
}

function validateDescription(description: unknown): string {
  refuseUnless(
    typeof description === 'string' &&
      description.length <= MAX_DESCRIPTION_LENGTH &&
      isStorable(description),
    'description',
    `a text of at most ${MAX_DESCRIPTION_LENGTH} characters`,
    description,
  )
  return description as string
}

function validateMetadata(metadata: unknown): Record<string, string> {
  refuseUnless(
    typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata),
    'metadata',
    'an object of texts',
    metadata,
  )
  const entries = Object.entries(metadata as object) as [string, unknown][]
  refuseUnless(
    entries.length <= MAX_METADATA_ENTRIES,
    'metadata',
    `at most ${MAX_METADATA_ENTRIES} entries`,
    `${entries.length} of them`,
  )
  for (const [name, value] of entries) {
    refuseUnless(
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
