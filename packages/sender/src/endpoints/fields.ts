import type { FieldNames } from '@x/events-core'
import {
  type Column,
  flag,
  integer,
  json,
  nullable,
  type Parameter,
  text,
  word,
} from '@x/events-engine/internal'
import { assertEndpoint, invalidEndpoint } from '../errors.ts'
import { compileContentFilter } from '../fan-out/compile-filter.ts'
import type { ContentFilter } from '../fan-out/content-filter.ts'
import { assertFitsSchemas } from '../fan-out/filter-schema.ts'
import type { PayloadFormat } from '../messages/message.ts'
import type { StoredCertificate } from './client-certificate.ts'
import type {
  Concurrency,
  CreateEndpoint,
  DisabledReason,
  Ownership,
  RateLimit,
  SignatureKind,
  UpdateEndpoint,
} from './endpoint.ts'
import { type Ordering, type OrderingInput, validateOrdering } from './ordering.ts'
import {
  type EndpointRules,
  validateConcurrency,
  validateDescription,
  validateEventTypes,
  validateFormat,
  validateHeaders,
  validateMetadata,
  validatePayloadVersion,
  validateRateLimit,
  validateRetrySchedule,
  validateSequence,
  validateSiteId,
  validateUrl,
} from './validate.ts'

/** How a value is stored and read. */
interface Stored<TValue> {
  readonly type: 'integer' | 'text' | 'json' | 'flag'
  readonly isNullable?: true
  readonly read: Column<TValue>
}

interface Field extends Stored<unknown> {
  readonly column: string
  /** The value that the table gives a new row. */
  readonly byDefault?: string
}

/** A field that is set once: when the endpoint is created, or by the store alone. */
interface FixedField extends Field {
  readonly set: 'at creation' | 'by the store'
}

/** A field that an update may change. */
interface ChangeableField extends Field {
  readonly set: 'by a change'
  initial(rules: EndpointRules): unknown
  /** @throws WebhookSenderError `invalid_endpoint`, or another that names the field. */
  validate(given: unknown, rules: EndpointRules): unknown
}

const WHOLE = { type: 'integer', read: integer } as const
const TEXT = { type: 'text', read: text } as const
const FLAG = { type: 'flag', read: flag } as const
const wordOf = <TWord extends string>() => ({ type: 'text', read: word<TWord>() }) as const
const jsonOf = <TValue>() => ({ type: 'json', read: json<TValue>() }) as const
const orNull = <TValue>({ type, read }: Stored<TValue>) =>
  ({ type, isNullable: true, read: nullable(read) }) as const

const CREATED = 'at creation'
const STORED = 'by the store'
const CHANGED = 'by a change'
const DEFAULT_CONCURRENCY: Concurrency = { min: 1, max: 8 }

/**
 * The fields of an endpoint, each in one place: a new one is added here, and to the public `Endpoint`, `CreateEndpoint`
 * and `UpdateEndpoint`. The table's columns, its rows, inserts, updates and validation follow from it.
 */
export const ENDPOINT_FIELDS = {
  /** The key that other tables use. */
  key: { column: 'key', ...WHOLE, set: STORED },
  /** The id that users see. */
  id: { column: 'id', ...TEXT, set: CREATED },
  tenantId: { column: 'tenant_id', ...WHOLE, set: CREATED },
  siteId: {
    column: 'site_id',
    ...orNull(WHOLE),
    set: CHANGED,
    initial: () => null,
    validate: validateSiteId,
  },
  /** Null where messages are only read, and none is sent. */
  url: {
    column: 'url',
    ...orNull(TEXT),
    set: CHANGED,
    // It has to be given, so that a forgotten one is no endpoint that nothing is sent to.
    initial: (rules: EndpointRules) => validateUrl(undefined, rules),
    validate: (given: unknown, rules: EndpointRules) => (given === null ? null : validateUrl(given, rules)),
  },
  eventTypes: {
    column: 'event_types',
    ...jsonOf<readonly string[]>(),
    set: CHANGED,
    initial: () => ['*'],
    validate: validateEventTypes,
  },
  /** Null where the content of messages does not matter. */
  filter: {
    column: 'content_filter',
    ...orNull(jsonOf<ContentFilter>()),
    set: CHANGED,
    initial: () => null,
    validate: validateFilter,
  },
  description: {
    column: 'description',
    ...TEXT,
    set: CHANGED,
    initial: () => '',
    validate: validateDescription,
  },
  headers: {
    column: 'headers',
    ...jsonOf<Readonly<Record<string, string>>>(),
    set: CHANGED,
    initial: () => ({}),
    validate: validateHeaders,
  },
  metadata: {
    column: 'metadata',
    ...jsonOf<Readonly<Record<string, string>>>(),
    set: CHANGED,
    initial: () => ({}),
    validate: validateMetadata,
  },
  signature: { column: 'signature', ...wordOf<SignatureKind>(), set: CREATED },
  concurrency: {
    column: 'concurrency',
    ...jsonOf<Concurrency>(),
    set: CHANGED,
    initial: () => DEFAULT_CONCURRENCY,
    validate: validateConcurrency,
  },
  ordering: {
    column: 'ordering',
    ...jsonOf<Ordering>(),
    set: CHANGED,
    initial: () => 'none',
    validate: (given: unknown, { orderingKeys }: EndpointRules) =>
      validateOrdering(given as OrderingInput, orderingKeys),
  },
  rateLimit: {
    column: 'rate_limit',
    ...orNull(jsonOf<RateLimit>()),
    set: CHANGED,
    initial: () => null,
    validate: validateRateLimit,
  },
  /** Seconds before each attempt; null for the sender's own. */
  retrySchedule: {
    column: 'retry_schedule',
    ...orNull(jsonOf<readonly number[]>()),
    set: CHANGED,
    initial: () => null,
    validate: validateRetrySchedule,
  },
  format: {
    column: 'format',
    ...wordOf<PayloadFormat>(),
    set: CHANGED,
    initial: () => 'standard',
    validate: validateFormat,
  },
  /** Null for an endpoint that was created when there were no versions. */
  payloadVersion: {
    column: 'payload_version',
    ...orNull(TEXT),
    set: CHANGED,
    initial: ({ payloadVersions }: EndpointRules) => payloadVersions.initial,
    validate: (given: unknown, { payloadVersions }: EndpointRules) =>
      validatePayloadVersion(given, payloadVersions),
  },
  /** Whether its messages are numbered. */
  sequence: {
    column: 'sequence',
    ...FLAG,
    set: CHANGED,
    initial: () => false,
    validate: validateSequence,
  },
  /** Null where the owner is not challenged. */
  ownership: { column: 'ownership', ...orNull(wordOf<Ownership>()), set: CREATED },
  enabled: { column: 'enabled', ...FLAG, byDefault: 'true', set: STORED },
  disabledReason: { column: 'disabled_reason', ...orNull(wordOf<DisabledReason>()), set: STORED },
  disabledOn: { column: 'disabled_on', ...orNull(WHOLE), set: STORED },
  version: { column: 'version', ...WHOLE, byDefault: '1', set: STORED },
  createdOn: { column: 'created_on', ...WHOLE, set: CREATED },
  updatedOn: { column: 'updated_on', ...WHOLE, set: STORED },
} as const satisfies Readonly<Record<string, FixedField | ChangeableField>>

type Fields = typeof ENDPOINT_FIELDS
export type EndpointFieldName = keyof Fields
type NameSet<TSet extends string> = {
  [TName in EndpointFieldName]: Fields[TName]['set'] extends TSet ? TName : never
}[EndpointFieldName]
type ChangeableName = NameSet<typeof CHANGED>
type CreatedName = NameSet<typeof CREATED>
type Values<TName extends EndpointFieldName> = {
  readonly [TField in TName]: ReturnType<Fields[TField]['read']>
}

/** An endpoint as it is stored; what is JSON in the database is read. */
export type EndpointRow = Values<EndpointFieldName> & {
  readonly certificate: StoredCertificate | null
  /** Since when no attempt has succeeded. */
  readonly failingSince: number | null
}

/** What an update may change. */
export type EndpointChange = Values<ChangeableName> & {
  /** Undefined: it stays as it is; null: there is none. */
  readonly certificate?: StoredCertificate | null | undefined
}

/** What a new endpoint starts with; key, state and version are given by the store. */
export type NewEndpointRow = Values<CreatedName> & EndpointChange

export const ALL_FIELDS = Object.keys(ENDPOINT_FIELDS) as EndpointFieldName[]
const namesSet = (set: Fields[EndpointFieldName]['set']) =>
  ALL_FIELDS.filter((name) => ENDPOINT_FIELDS[name].set === set)

/** In the order of the parameters of inserts and updates. */
export const CREATED_FIELDS = namesSet(CREATED) as readonly CreatedName[]
export const CHANGEABLE_FIELDS = namesSet(CHANGED) as readonly ChangeableName[]

type InputName = keyof CreateEndpoint | keyof UpdateEndpoint

/** Inputs that are no field, or one that only a creation sets. A new one does not compile until it has its place here. */
const OTHER_INPUTS: Readonly<Record<Exclude<InputName, ChangeableName>, 'create' | 'update' | 'both'>> = {
  tenantId: 'create',
  signature: 'create',
  verifyOwnership: 'create',
  secret: 'create',
  clientCertificate: 'both',
  version: 'update',
}

function inputsOf<TInput>(method: 'create' | 'update'): FieldNames<TInput> {
  const others = Object.entries(OTHER_INPUTS).flatMap(([name, of]) =>
    of === method || of === 'both' ? [name] : [],
  )
  return Object.fromEntries(
    [...CHANGEABLE_FIELDS, ...others].map((name) => [name, 'nullable']),
  ) as FieldNames<TInput>
}

const CREATE_INPUTS = inputsOf<CreateEndpoint>('create')
const UPDATE_INPUTS = inputsOf<UpdateEndpoint>('update')

/**
 * The names of what `endpoints.create` and `endpoints.update` take, for an API or a form of the host's own. Both refuse all
 * others.
 *
 * @example
 * ```ts
 * import { ENDPOINT_INPUTS, type UpdateEndpoint, type WebhookSender } from '@x/sender'
 *
 * async function update(sender: WebhookSender, id: string, form: Record<string, unknown>) {
 *   const changes = Object.fromEntries(ENDPOINT_INPUTS.update.map((name) => [name, form[name]]))
 *   return sender.endpoints.update(id, changes as UpdateEndpoint)
 * }
 * ```
 */
export const ENDPOINT_INPUTS = Object.freeze({
  create: Object.freeze(Object.keys(CREATE_INPUTS)) as readonly (keyof CreateEndpoint)[],
  update: Object.freeze(Object.keys(UPDATE_INPUTS)) as readonly (keyof UpdateEndpoint)[],
})

/** @throws WebhookSenderError `invalid_endpoint` for what is no object, or has other names. */
export const readCreateInput = (input: CreateEndpoint): CreateEndpoint =>
  assertEndpoint.fields('', input, CREATE_INPUTS)

/** @throws WebhookSenderError `invalid_endpoint` for what is no object, or has other names. */
export const readUpdateInput = (changes: UpdateEndpoint): UpdateEndpoint =>
  assertEndpoint.fields('', changes, UPDATE_INPUTS)

/** What fan-out needs to know of an enabled endpoint. */
export const FILTER_FIELDS = [
  'key',
  'id',
  'tenantId',
  'siteId',
  'eventTypes',
  'filter',
  'ordering',
  'retrySchedule',
  'format',
  'payloadVersion',
  'sequence',
] as const
/** What decides whether a filter could ever match: when one changes, it is compared with the schemas. */
const FILTER_DEPENDS_ON = ['filter', 'eventTypes', 'payloadVersion'] as const

export type EndpointFilterRow = Values<(typeof FILTER_FIELDS)[number]> & {
  /** Whether its messages are only read: it has no URL. */
  readonly isPull: boolean
}

/** The columns of fields, as their names stand in SQL. */
export const columnsOf = (names: readonly EndpointFieldName[]): string[] =>
  names.map((name) => ENDPOINT_FIELDS[name].column)

/** The values of fields as they are written. */
export function storedValuesOf<TName extends EndpointFieldName>(
  names: readonly TName[],
  values: Values<TName>,
): Parameter[] {
  return names.map((name) => {
    const value: unknown = values[name]
    const { type } = ENDPOINT_FIELDS[name]
    if (type === 'flag') return value === true ? 1 : 0
    return (type === 'json' && value !== null ? JSON.stringify(value) : value) as Parameter
  })
}

/** How the columns of fields are read. */
export const readersOf = (names: readonly EndpointFieldName[]): Readonly<Record<string, Column<unknown>>> =>
  Object.fromEntries(names.map((name) => [ENDPOINT_FIELDS[name].column, ENDPOINT_FIELDS[name].read]))

/** The fields of a row whose columns were read. */
export function fieldsOf<TName extends EndpointFieldName>(
  names: readonly TName[],
  row: Readonly<Record<string, unknown>>,
): Values<TName> {
  return Object.fromEntries(names.map((name) => [name, row[ENDPOINT_FIELDS[name].column]])) as Values<TName>
}

/**
 * Reads what can be changed of an endpoint, on top of what it was; of a new one, on top of the defaults.
 *
 * @throws WebhookSenderError `invalid_endpoint`, `invalid_filter`, `invalid_url`, `forbidden_address`
 */
export function validateChange(
  input: UpdateEndpoint,
  before: EndpointChange | undefined,
  rules: EndpointRules,
): EndpointChange {
  const entries = CHANGEABLE_FIELDS.map((name) => {
    const field: ChangeableField = ENDPOINT_FIELDS[name]
    if (input[name] !== undefined) return [name, field.validate(input[name], rules)]
    // What has been valid is not validated again, since rules may have become stricter: that is done before each delivery.
    return [name, before ? before[name] : field.initial(rules)]
  })
  const change = withSequence(Object.fromEntries(entries) as EndpointChange, input, before)
  const { filter, eventTypes, payloadVersion } = change
  if (filter !== null && FILTER_DEPENDS_ON.some((name) => input[name] !== undefined)) {
    const version = rules.payloadVersions.of(payloadVersion)
    assertFitsSchemas(compileContentFilter(filter), rules.catalog.contentsOf(eventTypes, version))
  }
  return change
}

/**
 * An endpoint without a URL is read by numbers, so it has a sequence.
 *
 * @throws WebhookSenderError `invalid_endpoint`
 */
function withSequence(
  change: EndpointChange,
  input: UpdateEndpoint,
  before: EndpointChange | undefined,
): EndpointChange {
  if (change.url !== null) return change
  // Deliveries may be under way.
  if (before && before.url !== null) {
    throw invalidEndpoint('url', 'can be changed, but not taken away; create another endpoint', 'null')
  }
  if (input.sequence === false) {
    throw invalidEndpoint(
      'sequence',
      'must be true where there is no url, since messages are read by their numbers',
      'false',
    )
  }
  return { ...change, sequence: true }
}

/** @throws WebhookSenderError `invalid_filter` */
function validateFilter(filter: unknown): ContentFilter | null {
  if (filter === null) return null
  const { filter: valid } = compileContentFilter(filter)
  return Object.keys(valid).length === 0 ? null : valid
}

/** The fields that a change gives another value. A certificate is never compared: it is stored encrypted. */
export function changedFields(before: EndpointChange, after: EndpointChange): readonly string[] {
  const names: string[] = CHANGEABLE_FIELDS.filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  return after.certificate === undefined ? names : [...names, 'clientCertificate']
}
