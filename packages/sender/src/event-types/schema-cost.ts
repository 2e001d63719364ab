import type { JsonSchema } from './event-type.ts'

type SchemaObject = Readonly<Record<string, unknown>>

/** What the comparison of one value with one part of a schema costs, besides the parts below it. */
export interface SchemaCost {
  readonly steps: number
  /** For each member of a list or object, where all of them are looked at. */
  readonly stepsPerMember: number
  /** Whether the characters of a text are counted. */
  readonly countsCharacters: boolean
}

/** The keyword that stands in each part of a schema, so that its cost is spent before anything else is done. */
export const COST_KEYWORD = 'x-events-cost'

type Holds = 'a schema' | 'schemas' | 'schemas by name' | 'a value'

/** Every keyword of draft 2020-12 that decides something, and what it holds. Others are notes for readers. */
const KEYWORDS: Readonly<Record<string, Holds>> = {
  $anchor: 'a value',
  $async: 'a value',
  $defs: 'schemas by name',
  $dynamicAnchor: 'a value',
  $dynamicRef: 'a value',
  $id: 'a value',
  $ref: 'a value',
  $schema: 'a value',
  additionalProperties: 'a schema',
  allOf: 'schemas',
  anyOf: 'schemas',
  const: 'a value',
  contains: 'a schema',
  definitions: 'schemas by name',
  dependencies: 'schemas by name',
  dependentRequired: 'a value',
  dependentSchemas: 'schemas by name',
  else: 'a schema',
  enum: 'a value',
  exclusiveMaximum: 'a value',
  exclusiveMinimum: 'a value',
  id: 'a value',
  if: 'a schema',
  items: 'a schema',
  maxContains: 'a value',
  maxItems: 'a value',
  maxLength: 'a value',
  maxProperties: 'a value',
  maximum: 'a value',
  minContains: 'a value',
  minItems: 'a value',
  minLength: 'a value',
  minProperties: 'a value',
  minimum: 'a value',
  multipleOf: 'a value',
  not: 'a schema',
  nullable: 'a value',
  oneOf: 'schemas',
  pattern: 'a value',
  patternProperties: 'schemas by name',
  prefixItems: 'schemas',
  properties: 'schemas by name',
  propertyNames: 'a schema',
  required: 'a value',
  then: 'a schema',
  type: 'a value',
  unevaluatedItems: 'a schema',
  unevaluatedProperties: 'a schema',
  uniqueItems: 'a value',
}

const MAX_SCHEMA_LENGTH = 200_000
const MAX_DEPTH = 64
/** Of what stands in a part itself: names, enumerated values. */
const CHARACTERS_IN_A_STEP = 32
/** Where several are tried, each that does not fit leaves an error behind. */
const STEPS_OF_AN_ALTERNATIVE = 5
const LOOKS_AT_MEMBERS = [
  'additionalProperties',
  'items',
  'maxProperties',
  'minProperties',
  'patternProperties',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
]

/**
 * A copy of a schema with its costs, and without what decides nothing: nothing can be referred to that has no cost.
 *
 * @throws RangeError for one that is too large or too deep.
 */
export function withCosts(schema: JsonSchema): JsonSchema {
  const { length } = JSON.stringify(schema)
  if (length > MAX_SCHEMA_LENGTH) {
    throw new RangeError(`it has ${length} characters as JSON, more than ${MAX_SCHEMA_LENGTH}`)
  }
  return typeof schema === 'boolean' ? schema : copyOf(schema as SchemaObject, 1)
}

function copyOf(schema: SchemaObject, depth: number): SchemaObject {
  if (depth > MAX_DEPTH) throw new RangeError(`it is more than ${MAX_DEPTH} schemas deep`)
  const part = (value: unknown) => (isObject(value) ? copyOf(value, depth + 1) : value)
  const copy = Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
    const holds = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined
    if (holds === undefined) return []
    if (holds === 'a schema') return [[keyword, part(value)]]
    if (holds === 'schemas' && Array.isArray(value)) return [[keyword, value.map(part)]]
    if (holds !== 'schemas by name' || !isObject(value)) return [[keyword, value]]
    return [[keyword, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, part(one)]))]]
  })
  return { ...Object.fromEntries(copy), [COST_KEYWORD]: costOf(schema) }
}

function costOf(schema: SchemaObject): SchemaCost {
  let characters = 0
  let parts = 0
  for (const [keyword, value] of Object.entries(schema)) {
    const holds = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined
    if (holds === 'a value') characters += JSON.stringify(value).length
    if (holds === 'a schema') parts += 1
    if (holds === 'schemas' && Array.isArray(value)) {
      parts += value.length * (keyword === 'anyOf' || keyword === 'oneOf' ? STEPS_OF_AN_ALTERNATIVE : 1)
    }
    if (holds === 'schemas by name' && isObject(value) && keyword !== '$defs' && keyword !== 'definitions') {
      parts += Object.keys(value).length
    }
  }
  const looksAtMembers = LOOKS_AT_MEMBERS.some((keyword) => keyword in schema)
  return {
    steps: 1 + parts + Math.floor(characters / CHARACTERS_IN_A_STEP),
    stepsPerMember: 'contains' in schema ? STEPS_OF_AN_ALTERNATIVE : looksAtMembers ? 1 : 0,
    countsCharacters: 'minLength' in schema || 'maxLength' in schema,
  }
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
