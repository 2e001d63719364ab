import type { JsonValue } from '@x/events-core'
import type { JsonSchema } from './event-type.ts'

const MAX_DEPTH = 8

type Schema = Readonly<Record<string, unknown>>

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  email: 'name@example.com',
  uri: 'https://example.com/',
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
}

/**
 * Makes up a value of the kind that a schema describes, for a type without an example: by its examples, defaults and types. It does
 * not follow `$ref`, patterns and conditions, so that it may not fit a schema that has such.
 */
export function exampleOf(schema: JsonSchema): JsonValue {
  return madeUp(schema, 0)
}

function madeUp(given: unknown, depth: number): JsonValue {
  if (typeof given !== 'object' || given === null || depth > MAX_DEPTH) return null
  const schema = given as Schema
  const [first] = listOf(schema['examples'])
  const chosen = schema['const'] ?? first ?? schema['default'] ?? listOf(schema['enum'])[0]
  if (chosen !== undefined) return chosen as JsonValue
  const [option] = [...listOf(schema['oneOf']), ...listOf(schema['anyOf']), ...listOf(schema['allOf'])]
  const type = listOf(schema['type'])[0] ?? schema['type'] ?? (schema['properties'] ? 'object' : undefined)
  if (type === undefined && option !== undefined) return madeUp(option, depth + 1)
  return typeof type === 'string' ? ofType(type, schema, depth) : null
}

function ofType(type: string, schema: Schema, depth: number): JsonValue {
  switch (type) {
    case 'object': {
      const properties = Object.entries((schema['properties'] ?? {}) as Schema)
      return Object.fromEntries(properties.map(([name, value]) => [name, madeUp(value, depth + 1)]))
    }
    case 'array': {
      const count = Math.min(numberOf(schema['minItems'], schema['items'] === undefined ? 0 : 1), MAX_DEPTH)
      return Array.from({ length: count }, () => madeUp(schema['items'], depth + 1))
    }
    case 'string': {
      const text = FORMATS[String(schema['format'])] ?? 'example'
      return text.padEnd(Math.min(numberOf(schema['minLength'], 0), 1_000), '.')
    }
    case 'integer':
    case 'number': {
      const least = numberOf(schema['minimum'], numberOf(schema['exclusiveMinimum'], 0) + 1)
      return Math.min(least, numberOf(schema['maximum'], least))
    }
    case 'boolean':
      return true
    default:
      return null
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
