import { shown } from '@x/events-core'
import { WebhookSenderError } from '../errors.ts'
import type { EventType, JsonSchema } from './event-type.ts'

/** What an OpenAPI document says of itself, and what it describes. */
export interface OpenApiOptions {
  /** What the document is called: `Webhooks of Example`. */
  readonly title: string
  /** The document's version, the host's own. */
  readonly version: string
  readonly description?: string | undefined
  /**
   * Describes what this one of the sender's `payloadVersions` carries.
   * @defaultValue what is said of types without naming a version
   */
  readonly payloadVersion?: string | undefined
  /**
   * Also the types that the sender raises about its own work.
   * @defaultValue false
   */
  readonly builtIn?: boolean | undefined
}

/** An OpenAPI 3.1 document with `webhooks`: plain JSON. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly webhooks: Readonly<Record<string, object>>
  readonly components: Readonly<Record<string, Readonly<Record<string, object | boolean>>>>
}

const SHOWN_TIMESTAMP = '2026-11-24T08:00:00.000Z'
const SHOWN_SITE = { tenantId: 1, siteId: 7, siteKey: '1:7' }
const HEADERS = {
  WebhookId: ['webhook-id', 'The same for every attempt: what idempotent work is keyed by.', 'string'],
  WebhookTimestamp: ['webhook-timestamp', 'When this attempt was signed: seconds since 1970.', 'integer'],
  WebhookSignature: [
    'webhook-signature',
    'Signatures of `webhook-id`, `webhook-timestamp` and the body, as Standard Webhooks has them: one for each live secret.',
    'string',
  ],
} as const
const RESPONSES = {
  Received: 'Any 2xx: received, and not sent again.',
  Gone: 'Nothing more is wanted: the endpoint is disabled.',
  Later: 'Not now: this endpoint is left alone for a while, as long as `Retry-After` says.',
  Failed: 'Anything else, redirects too, is sent again as the retry schedule says.',
}

/**
 * Describes webhooks as OpenAPI 3.1 does.
 *
 * @throws WebhookSenderError `invalid_argument`
 */
export function openApiOf(
  types: readonly EventType[],
  options: OpenApiOptions,
  payloadVersions: readonly string[],
): OpenApiDocument {
  const { title, version, description, payloadVersion } = options
  const described = types.map((one) => inVersion(one, payloadVersion))
  for (const [field, value] of Object.entries({ title, version })) {
    if (typeof value === 'string' && value !== '') continue
    throw new WebhookSenderError('invalid_argument', `eventTypes.openApi: ${field} must be a text.`, {
      field,
    })
  }
  if (payloadVersion !== undefined && !payloadVersions.includes(payloadVersion)) {
    const message = `eventTypes.openApi: payloadVersion must be one of options.payloadVersions; got ${shown(payloadVersion)}.`
    throw new WebhookSenderError('invalid_argument', message, { field: 'payloadVersion' })
  }
  return {
    openapi: '3.1.0',
    info: { title, version, ...(description === undefined ? {} : { description }) },
    webhooks: Object.fromEntries(described.map((one) => [one.type, { post: operationOf(one) }])),
    components: {
      schemas: Object.assign({}, ...described.map(schemasOf)),
      parameters: Object.fromEntries(
        Object.entries(HEADERS).map(([name, [header, text, type]]) => [
          name,
          { name: header, in: 'header', required: true, description: text, schema: { type } },
        ]),
      ),
      responses: Object.fromEntries(
        Object.entries(RESPONSES).map(([name, text]) => [name, { description: text }]),
      ),
    },
  }
}

function inVersion(type: EventType, payloadVersion: string | undefined): EventType {
  return { ...type, ...(payloadVersion === undefined ? {} : type.versions?.[payloadVersion]) }
}

function operationOf({ type, description, deprecated, example }: EventType): object {
  const [entityName = '', action = ''] = type.split('.')
  const data = { ...SHOWN_SITE, entityName, entityId: 12, action }
  const value = {
    type,
    timestamp: SHOWN_TIMESTAMP,
    data: example === undefined ? data : { ...data, entity: example },
  }
  const response = (name: keyof typeof RESPONSES) => ({ $ref: `#/components/responses/${name}` })
  return {
    operationId: type,
    summary: type,
    description,
    tags: [entityName],
    ...(deprecated ? { deprecated } : {}),
    parameters: Object.keys(HEADERS).map((name) => ({ $ref: `#/components/parameters/${name}` })),
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { $ref: `#/components/schemas/${nameOf(type)}` },
          examples: { [type]: { value } },
        },
      },
    },
    responses: {
      '2XX': response('Received'),
      '410': response('Gone'),
      '429': response('Later'),
      '503': response('Later'),
      default: response('Failed'),
    },
  }
}

/** The name of a type's schema: of the characters in an event type, OpenAPI does not take the colon. */
const nameOf = (type: string) => type.replaceAll(':', '_')

/** The schema of a whole body, and what it is made of, by name. */
function schemasOf({ type, description, schema }: EventType): Record<string, object | boolean> {
  const [entityName = '', action = ''] = type.split('.')
  const entity = `${nameOf(type)}.entity`
  const properties = {
    tenantId: { type: 'integer' },
    siteId: { type: 'integer', description: '-1 where no single site is concerned.' },
    siteKey: { type: 'string', description: '`tenantId:siteId`' },
    entityName: { type: 'string', const: entityName },
    entityId: { type: ['integer', 'string'] },
    action: { type: 'string', const: action },
    entity: schema === undefined ? {} : { $ref: `#/components/schemas/${entity}` },
  }
  const always = Object.keys(properties).filter((name) => name !== 'entity' || schema !== undefined)
  return {
    [nameOf(type)]: {
      type: 'object',
      description,
      properties: {
        type: { type: 'string', const: type },
        timestamp: { type: 'string', format: 'date-time', description: 'When the event was raised.' },
        data: { type: 'object', properties, required: always },
      },
      required: ['type', 'timestamp', 'data'],
    },
    ...(schema === undefined ? {} : hoistDefinitions(entity, schema)),
  }
}

type SchemaObject = Readonly<Record<string, unknown>>

// Keywords whose value is no schema, whatever it looks like.
const VALUES = new Set(['const', 'default', 'enum', 'example', 'examples', 'required', 'dependentRequired'])
// Keywords whose value is an object of schemas by names, which may look like keywords.
const MAPS = new Set(['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'])
const POINTER = '#/components/schemas/'

/**
 * Makes one schema with definitions of its own several that stand side by side in an OpenAPI document, where `#` is the
 * document and not the schema.
 *
 * @param name - what the schema is called there; its definitions are called so, too, and their own name.
 */
function hoistDefinitions(name: string, schema: JsonSchema): Record<string, JsonSchema> {
  if (!isObject(schema)) return { [name]: schema }
  const { $id, $schema: _dialect, $defs, definitions, ...root } = schema
  const own = { ...asMap(definitions), ...asMap($defs) }
  const nameOf = (definition: string) => `${name}.${definition.replaceAll(/[^\w.-]/g, '_')}`

  function reference(ref: string): string {
    const local = typeof $id === 'string' && ref.startsWith(`${$id}#`) ? ref.slice($id.length) : ref
    if (local === '#') return `${POINTER}${name}`
    if (!local.startsWith('#/')) return ref
    const [first = '', second = '', ...rest] = local.slice(2).split('/')
    const isDefinition = (first === '$defs' || first === 'definitions') && unescaped(second) in own
    const path = isDefinition ? [nameOf(unescaped(second)), ...rest] : [name, ...local.slice(2).split('/')]
    return POINTER + path.join('/')
  }

  function rewritten(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(rewritten)
    // What has an id of its own is what its references mean by `#`.
    if (!isObject(value) || typeof value['$id'] === 'string') return value
    return Object.fromEntries(
      Object.entries(value).map(([keyword, one]) => [keyword, memberOf(keyword, one)]),
    )
  }

  function memberOf(keyword: string, value: unknown): unknown {
    if (VALUES.has(keyword)) return value
    if (keyword === '$ref' && typeof value === 'string') return reference(value)
    if (!MAPS.has(keyword) || !isObject(value)) return rewritten(value)
    return Object.fromEntries(Object.entries(value).map(([member, one]) => [member, rewritten(one)]))
  }

  const hoisted: Record<string, JsonSchema> = { [name]: rewritten(root) as JsonSchema }
  for (const [definition, one] of Object.entries(own))
    hoisted[nameOf(definition)] = rewritten(one) as JsonSchema
  return hoisted
}

function asMap(value: unknown): SchemaObject {
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A step of a JSON pointer (RFC 6901) in a fragment. */
function unescaped(step: string): string {
  return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
}
