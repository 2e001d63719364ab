import { ALL_TENANTS, isEventTypePattern } from '@x/events-core'
import { isStorable } from '@x/events-engine/support'
import { WebhookSenderError } from '../errors.ts'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import type { PayloadVersions } from '../messages/payload-versions.ts'
import type { SignatureKind } from './endpoint.ts'
import { refuseUnless } from './invalid-endpoint.ts'
import type { OrderingKeys } from './ordering.ts'
import type { UrlRules } from './validate-url.ts'

const MAX_EVENT_TYPES = 100
/** Of all together: those of every endpoint are read whenever one has changed. */
const MAX_EVENT_TYPES_LENGTH = 5_000
const MAX_DESCRIPTION_LENGTH = 1_000
const MAX_METADATA_ENTRIES = 50
const MAX_METADATA_LENGTH = 500

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

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateSiteId(siteId: unknown): number | null {
  refuseUnless(siteId === null || Number.isSafeInteger(siteId), 'siteId', 'an integer', siteId)
  return siteId as number | null
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateEventTypes(eventTypes: unknown, { catalog }: EndpointRules): string[] {
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

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateDescription(description: unknown): string {
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

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateMetadata(metadata: unknown): Record<string, string> {
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
