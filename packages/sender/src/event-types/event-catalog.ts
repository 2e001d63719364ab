import { isDeepStrictEqual } from 'node:util'
import { type JsonValue, matchesEventType, shown } from '@x/events-core'
import { WebhookSenderError } from '../errors.ts'
import type { DescribedType } from '../fan-out/filter-schema.ts'
import { BUILT_IN_ENTITIES, BUILT_IN_EVENT_TYPES } from './built-in-event-types.ts'
import type { DefineEventType, EventType } from './event-type.ts'
import { createSchemaCompiler } from './json-schema.ts'
import { nearMisses } from './near-misses.ts'
import { type CheckedEventType, readEventType } from './read-event-type.ts'

/** The types that a host has defined. */
export interface EventCatalog {
  /** @throws WebhookSenderError `invalid_event_type`, `event_type_conflict` */
  define(input: DefineEventType): EventType
  /** Those of the host, by name. */
  all(): readonly EventType[]
  /** Also one of the sender's own. */
  get(type: string): EventType | undefined
  /** What of an event's entity does not fit the schema of its type, if that has one: places and rules, without values. */
  misfitsOf(type: string, payloadVersion: string | null, entity: JsonValue | undefined): readonly string[]
  /** The types that patterns match, and what they carry in a version; none where events of others may match. */
  contentsOf(patterns: readonly string[], payloadVersion: string | null): readonly DescribedType[]
  /** What is wrong with a pattern of event types, if it matches no type; undefined where no types are defined. */
  problemOf(
    pattern: string,
  ): { readonly problem: string; readonly suggestions: readonly string[] } | undefined
}

/** Creates an empty catalog. */
export function createEventCatalog(payloadVersions: readonly string[]): EventCatalog {
  const compile = createSchemaCompiler()
  const types = new Map<string, CheckedEventType>()
  const builtIn = new Map(BUILT_IN_EVENT_TYPES.map((one) => [one.type, one]))

  return {
    define(input) {
      const checked = readEventType(input, payloadVersions, compile)
      const { eventType } = checked
      const known = types.get(eventType.type)?.eventType
      if (known === undefined) types.set(eventType.type, checked)
      else if (!isDeepStrictEqual(known, eventType)) throw conflict(eventType.type)
      return known ?? eventType
    },
    all: () => [...types.values()].map(({ eventType }) => eventType).sort(byType),
    get: (type) => types.get(type)?.eventType ?? builtIn.get(type),
    misfitsOf(type, payloadVersion, entity) {
      const checks = types.get(type)?.checks
      const check = checks?.get(payloadVersion) ?? checks?.get(null)
      if (!check) return []
      return entity === undefined ? ['it is missing, and a type with a schema carries one'] : check(entity)
    },
    contentsOf(patterns, payloadVersion) {
      const own = [...types.values()].map(({ eventType }) => eventType)
      const all = [...own, ...BUILT_IN_EVENT_TYPES]
      // Of the sender's own types, endpoints only get those whose entity they name.
      const matches = (pattern: string, { type, builtIn }: EventType) =>
        matchesEventType(pattern, type) && (!builtIn || pattern.startsWith(`${type.split('.')[0]}.`))
      if (!patterns.every((pattern) => all.some((one) => matches(pattern, one)))) return []
      return all
        .filter((one) => patterns.some((pattern) => matches(pattern, one)))
        .map(({ type, schema, versions = {} }) => ({
          type,
          schema: versions[payloadVersion ?? '']?.schema ?? schema,
        }))
    },
    problemOf(pattern) {
      const known = [...types.keys()]
      if (known.length === 0 || known.some((type) => matchesEventType(pattern, type))) return undefined
      if (BUILT_IN_ENTITIES.some((entity) => pattern.startsWith(`${entity}.`))) return undefined
      const suggestions = nearMisses(pattern, likePattern(pattern, known))
      const hint =
        suggestions.length === 0
          ? 'eventTypes.list() tells which there are'
          : `is ${suggestions.join(' or ')} meant?`
      const problem = `${shown(pattern)}, which no event type of the catalog matches; ${hint}`
      return { problem, suggestions }
    },
  }
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

function conflict(type: string): WebhookSenderError {
  return new WebhookSenderError(
    'event_type_conflict',
    `eventTypes.define: ${shown(type)} is defined already, with another meaning; define each type once.`,
    { field: 'type' },
  )
}
