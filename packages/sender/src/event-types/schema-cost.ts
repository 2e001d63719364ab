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
const NAMES: Readonly<Record<Holds, string>> = {
  'a schema':
    'additionalProperties contains else if items not propertyNames then unevaluatedItems unevaluatedProperties',
  schemas: 'allOf anyOf oneOf prefixItems',
  'schemas by name': '$defs definitions dependencies dependentSchemas patternProperties properties',
  'a value':
    '$anchor $async $dynamicAnchor $dynamicRef $id $ref $schema const dependentRequired enum exclusiveMaximum exclusiveMinimum id maxContains maxItems maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf nullable pattern required type uniqueItems',
}
const KEYWORDS: ReadonlyMap<string, string> = new Map(
  Object.entries(NAMES).flatMap(([holds, names]) => names.split(' ').map((name) => [name, holds] as const)),
)

const MAX_SCHEMA_LENGTH = 200_000
const MAX_DEPTH = 64
/** Of what stands in a part itself: names, enumerated values. */
const CHARACTERS_IN_A_STEP = 32
/** Where several are tried, each that does not fit leaves an error of 300 bytes behind. */
const STEPS_OF_AN_ALTERNATIVE = 24
/** To look at a member costs less than to compare it with a schema, which is counted beside. */
const STEPS_OF_A_MEMBER = 0.25
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
    const holds = KEYWORDS.get(keyword)
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
    const holds = KEYWORDS.get(keyword)
    if (holds === 'a value') characters += JSON.stringify(value).length
    if (holds === 'a schema' || keyword === '$ref' || keyword === '$dynamicRef') parts += 1
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
    stepsPerMember: 'contains' in schema ? STEPS_OF_AN_ALTERNATIVE : looksAtMembers ? STEPS_OF_A_MEMBER : 0,
    countsCharacters: 'minLength' in schema || 'maxLength' in schema,
  }
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
