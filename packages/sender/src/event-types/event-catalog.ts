import { isDeepStrictEqual } from 'node:util'
import { isEventType, matchesEventType } from '@x/events-core'
import { shown, WebhookSenderError } from '../errors.ts'
import { BUILT_IN_ENTITIES, BUILT_IN_EVENT_TYPES } from './built-in-event-types.ts'
import type { DefineEventType, EventType } from './event-type.ts'
import { createSchemaCompiler, type SchemaCheck } from './json-schema.ts'
import { nearMisses } from './near-misses.ts'

/** The types that a host has defined. */
export interface EventCatalog {
  /** @throws WebhookSenderError `invalid_event_type`, `event_type_conflict` */
  define(input: DefineEventType): EventType
  /** Those of the host, by name. */
  all(): readonly EventType[]
  get(type: string): EventType | undefined
  /** What is wrong with a pattern of event types, if it matches no type; undefined where no types are defined. */
  problemOf(pattern: string): string | undefined
}

const MAX_DESCRIPTION_LENGTH = 1_000

/** Creates an empty catalog. */
export function createEventCatalog(): EventCatalog {
  const compile = createSchemaCompiler()
  const types = new Map<string, EventType>(BUILT_IN_EVENT_TYPES.map((one) => [one.type, one]))
  const all = () => [...types.values()].filter((one) => !one.builtIn).sort(byType)

  return {
    define(input) {
      const type = typeOf(input)
      const eventType = readEventType(type, input)
      const known = types.get(type)
      if (known) {
        if (isDeepStrictEqual(known, eventType)) return known
        throw new WebhookSenderError(
          'event_type_conflict',
          `eventTypes.define: ${shown(type)} is defined already, with another meaning; define each type once.`,
          { field: 'type' },
        )
      }
      checkExample(eventType, compileSchema(eventType, compile))
      types.set(type, deepFrozen(eventType))
      return eventType
    },
    all,
    get: (type) => types.get(type),
    problemOf(pattern) {
      const known = all().map(({ type }) => type)
      if (known.length === 0 || known.some((type) => matchesEventType(pattern, type))) return undefined
      if (BUILT_IN_ENTITIES.some((entity) => pattern.startsWith(`${entity}.`))) return undefined
      const meant = nearMisses(pattern, likePattern(pattern, known))
      const hint =
        meant.length === 0 ? 'eventTypes.list() tells which there are' : `is ${meant.join(' or ')} meant?`
      return `${shown(pattern)}, which no event type of the catalog matches; ${hint}`
    },
  }
}

function typeOf({ type }: DefineEventType): string {
  if (typeof type !== 'string' || !isEventType(type)) {
    throw invalid('type', "an event type such as 'File.Download'", shown(type))
  }
  if (BUILT_IN_ENTITIES.some((entity) => type.startsWith(`${entity}.`))) {
    throw invalid(
      'type',
      `about another entity than ${BUILT_IN_ENTITIES.join(', ')}, which are the sender's own`,
      type,
    )
  }
  return type
}

function readEventType(type: string, input: DefineEventType): EventType {
  const { description, deprecated = false, schema, example } = input
  const isText = typeof description === 'string' && description.trim() !== ''
  if (!isText || description.length > MAX_DESCRIPTION_LENGTH) {
    const got = typeof description === 'string' ? `${description.length} of them` : shown(description)
    throw invalid(`description of ${type}`, `a text of 1 to ${MAX_DESCRIPTION_LENGTH} characters`, got)
  }
  if (typeof deprecated !== 'boolean') {
    throw invalid(`deprecated of ${type}`, 'true or false', shown(deprecated))
  }
  return {
    type,
    description,
    deprecated,
    builtIn: false,
    ...(schema === undefined ? {} : { schema: jsonOf(`schema of ${type}`, schema) }),
    ...(example === undefined ? {} : { example: jsonOf(`example of ${type}`, example) }),
  }
}

/** A copy, free of what JSON leaves out, which nobody else can change. */
function jsonOf<TValue>(field: string, value: TValue): TValue {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw invalid(field, 'JSON', cause instanceof Error ? cause.message : shown(cause), cause)
  }
  if (text === undefined) throw invalid(field, 'JSON', `a ${typeof value}`)
  return JSON.parse(text) as TValue
}

function compileSchema(
  { type, schema }: EventType,
  compile: ReturnType<typeof createSchemaCompiler>,
): SchemaCheck | undefined {
  if (schema === undefined) return undefined
  const must = 'a JSON Schema (2020-12) that refers to nothing outside of itself'
  if (
    typeof schema !== 'boolean' &&
    (typeof schema !== 'object' || schema === null || Array.isArray(schema))
  ) {
    throw invalid(`schema of ${type}`, must, shown(JSON.stringify(schema)))
  }
  try {
    return compile(schema)
  } catch (cause) {
    throw invalid(`schema of ${type}`, must, cause instanceof Error ? cause.message : shown(cause), cause)
  }
}

function checkExample({ type, example }: EventType, check: SchemaCheck | undefined): void {
  const problems = example === undefined ? [] : (check?.(example) ?? [])
  if (problems.length > 0)
    throw invalid(`example of ${type}`, 'what its schema describes', problems.join('; '))
}

/** Of the same form as the pattern: entities for `Name.*`, actions for `*.Name`. */
function likePattern(pattern: string, types: readonly string[]): string[] {
  if (pattern.endsWith('.*')) return types.map((type) => `${type.slice(0, type.indexOf('.'))}.*`)
  if (pattern.startsWith('*.')) return types.map((type) => `*${type.slice(type.indexOf('.'))}`)
  return [...types]
}

function byType(a: EventType, b: EventType): number {
  return a.type < b.type ? -1 : 1
}

function deepFrozen<TValue>(value: TValue): TValue {
  if (typeof value === 'object' && value !== null)
    for (const member of Object.values(value)) deepFrozen(member)
  return Object.freeze(value)
}

function invalid(what: string, must: string, got: string, cause?: unknown): WebhookSenderError {
  return new WebhookSenderError(
    'invalid_event_type',
    `eventTypes.define: the ${what} must be ${must}; got ${got}.`,
    {
      field: what.split(' ')[0],
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
