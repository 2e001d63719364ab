import { WebhookSenderError } from '../errors.ts'
import type { JsonSchema } from '../event-types/event-type.ts'
import { nearMisses } from '../event-types/near-misses.ts'
import type { CompiledFilter, FilterUse } from './content-filter.ts'

/** What messages of a type carry as `data.entity`. */
export interface DescribedType {
  readonly type: string
  /** Undefined where nothing is said of it. */
  readonly schema: JsonSchema | undefined
}

type Schema = Readonly<Record<string, unknown>>
type JsonType = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'null'

/** What a schema says of a path: the types of its value, undefined for any; or that there is no such path. */
type Found = { readonly types: ReadonlySet<JsonType> | undefined } | 'unknown'

const ANYTHING: Found = { types: undefined }
const MAX_SUGGESTED = 300
const MAX_LEVELS = 6

/** Keywords that say which members there are. */
const STRUCTURE = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'items',
  'prefixItems',
  'allOf',
  'anyOf',
  'oneOf',
  'then',
  'else',
  '$ref',
]

const text: Schema = { type: 'string' }
const number: Schema = { type: 'number' }
const ENVELOPE: Schema = {
  properties: {
    type: text,
    timestamp: text,
    data: {
      properties: {
        tenantId: number,
        siteId: number,
        siteKey: text,
        entityName: text,
        entityId: { type: ['string', 'number'] },
        action: text,
        entity: true,
      },
    },
  },
}

/**
 * Refuses a filter that none of some event types could ever fulfil, as far as their schemas tell: a path that is in none
 * of them, or a value of another type than each of them has there. A type without a schema may carry anything.
 *
 * @throws WebhookSenderError `invalid_filter`, with the place in the filter as its `field`.
 */
export function assertFitsSchemas({ uses }: CompiledFilter, types: readonly DescribedType[]): void {
  const schemas = types.map(({ type, schema = true }) => ({
    type,
    resolver: createResolver(messageSchema(schema)),
  }))
  for (const use of uses) {
    // What table capture adds is in no schema.
    if (use.path[1] === 'entity' && use.path[2]?.startsWith('$')) continue
    const envelope = createResolver(ENVELOPE).find(use.path)
    if (schemas.length === 0 || envelope === 'unknown')
      assertFits(use, [{ type: '', found: envelope }], () => [])
    else {
      const found = schemas.map(({ type, resolver }) => ({ type, found: resolver.find(use.path) }))
      assertFits(use, found, () => schemas.flatMap(({ resolver }) => resolver.paths()))
    }
  }
}

function assertFits(
  { path, field, type }: FilterUse,
  found: readonly { readonly type: string; readonly found: Found }[],
  known: () => readonly string[],
): void {
  const where = field.replace(/^filter\./, '')
  const name = path.join('.')
  const about =
    found[0]?.type === '' ? 'a message' : found.length === 1 ? found[0]?.type : 'any of the event types'
  const carrying = found.flatMap((one) => (one.found === 'unknown' ? [] : [one.found]))
  if (carrying.length === 0) {
    // The others have too much in common: they all begin alike.
    const suggestions = nearMisses(name, known()).slice(0, 1)
    const [meant] = suggestions
    const hint = meant === undefined ? '.' : `; is ${meant} meant?`
    throw invalid(
      field,
      `${where} of the filter names ${name}, which is no path in ${about}${hint}`,
      suggestions,
    )
  }
  if (type === undefined || carrying.some(({ types }) => types === undefined || types.has(type))) return
  const actual = [...new Set(carrying.flatMap(({ types }) => [...(types ?? [])]))].join(' or ')
  throw invalid(
    field,
    `${where} of the filter wants ${type === 'array' ? 'a list' : `a ${type}`} at ${name}, where ${about} has ${actual}.`,
  )
}

function messageSchema(entity: JsonSchema): Schema {
  const { properties } = ENVELOPE as { properties: Record<string, Schema> }
  const data = properties['data'] as { properties: Schema }
  const defs = typeof entity === 'object' ? { $entity: entity } : {}
  return {
    ...defs,
    properties: { ...properties, data: { properties: { ...data.properties, entity } } },
  }
}

/** Creates what finds paths in a schema; references are to the entity's schema. */
function createResolver(schema: Schema) {
  const root = (schema['$entity'] ?? schema) as unknown

  /** A schema, and the parts that it is put together from. Undefined among them: what cannot be known. */
  function partsOf(one: unknown, seen = new Set<unknown>()): (Schema | boolean | undefined)[] {
    if (typeof one === 'boolean') return [one]
    if (!isObject(one)) return [undefined]
    if (seen.has(one)) return []
    seen.add(one)
    const parts = ['allOf', 'anyOf', 'oneOf'].flatMap((key) => listOf(one[key]))
    for (const key of ['then', 'else']) if (one[key] !== undefined) parts.push(one[key])
    if (one['$ref'] !== undefined) parts.push(follow(one['$ref']))
    if (one['$dynamicRef'] !== undefined) parts.push(undefined)
    return [one, ...parts.flatMap((part) => partsOf(part, seen))]
  }

  function follow(reference: unknown): unknown {
    if (reference === '#') return root
    if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined
    let at: unknown = root
    for (const token of reference.slice(2).split('/')) {
      const name = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')
      at = isObject(at) && Object.hasOwn(at, name) ? at[name] : listOf(at)[Number(name)]
    }
    return at
  }

  /** The schemas of a member; undefined where there may be any. */
  function memberOf(one: unknown, name: string): readonly unknown[] | undefined {
    const parts = partsOf(one)
    const members: unknown[] = []
    let isDescribed = false
    for (const part of parts) {
      if (part === false) continue
      if (part === true || part === undefined || isOpen(part)) return undefined
      const { properties, patternProperties, additionalProperties, unevaluatedProperties } = part
      if (patternProperties !== undefined) return undefined
      const others = additionalProperties ?? unevaluatedProperties
      if (isObject(properties) && Object.hasOwn(properties, name)) members.push(properties[name])
      else if (others === true) return undefined
      else if (isObject(others)) members.push(others)
      const items = itemsOf(part, name)
      if (items === undefined) return undefined
      members.push(...items)
      isDescribed ||=
        properties !== undefined ||
        others !== undefined ||
        'items' in part ||
        'prefixItems' in part ||
        !mayHaveMembers(part)
    }
    return isDescribed ? members : undefined
  }

  /** A list's items, or what is at the path in them. */
  function itemsOf(part: Schema, name: string): readonly unknown[] | undefined {
    const prefix = listOf(part['prefixItems'])
    const items = [...prefix, ...(part['items'] === undefined ? [] : [part['items']])]
    if (items.length === 0) return []
    if (/^\d+$/.test(name)) return [prefix[Number(name)] ?? part['items'] ?? true]
    const found = items.map((item) => memberOf(item, name))
    return found.some((one) => one === undefined) ? undefined : found.flatMap((one) => one ?? [])
  }

  function typesOf(one: unknown, seen = new Set<unknown>()): ReadonlySet<JsonType> | undefined {
    if (one === false) return new Set()
    if (!isObject(one) || seen.has(one)) return undefined
    seen.add(one)
    const { type, enum: values, allOf, anyOf, oneOf, $ref: reference } = one
    if (type !== undefined) return withItems(one, new Set(listOf(type, type).map(jsonType)), seen)
    if ('const' in one) return new Set([typeOfValue(one['const'])])
    if (Array.isArray(values)) return new Set(values.map(typeOfValue))
    if (reference !== undefined) return typesOf(follow(reference), seen)
    for (const part of listOf(allOf)) {
      const types = typesOf(part, seen)
      if (types) return types
    }
    const branches = listOf(anyOf ?? oneOf).map((branch) => typesOf(branch, seen))
    if (branches.length === 0 || branches.some((types) => types === undefined)) return undefined
    return new Set(branches.flatMap((types) => [...(types ?? [])]))
  }

  /** A list fulfils a condition when a member of it does. */
  function withItems(one: Schema, types: Set<JsonType>, seen: Set<unknown>): Set<JsonType> | undefined {
    if (!types.has('array')) return types
    for (const item of [...listOf(one['prefixItems']), one['items'] ?? true]) {
      const ofItem = typesOf(item, seen)
      if (!ofItem) return undefined
      for (const type of ofItem) types.add(type)
    }
    return types
  }

  return {
    find(path: readonly string[]): Found {
      let schemas: readonly unknown[] = [schema]
      for (const name of path) {
        const members = schemas.map((one) => memberOf(one, name))
        if (members.some((one) => one === undefined)) return ANYTHING
        schemas = members.flatMap((one) => one ?? [])
        if (schemas.length === 0) return 'unknown'
      }
      const types = schemas.map((one) => typesOf(one))
      if (types.some((one) => one === undefined)) return ANYTHING
      return { types: new Set(types.flatMap((one) => [...(one ?? [])])) }
    },

    /** What is described, to suggest. */
    paths(): readonly string[] {
      const paths: string[] = []
      const walk = (one: unknown, base: string, level: number): void => {
        for (const part of level > MAX_LEVELS ? [] : partsOf(one)) {
          if (!isObject(part)) continue
          for (const item of [...listOf(part['prefixItems']), part['items']]) walk(item, base, level + 1)
          for (const [name, member] of Object.entries(part['properties'] ?? {})) {
            if (paths.length >= MAX_SUGGESTED) return
            const path = base === '' ? name : `${base}.${name}`
            paths.push(path)
            walk(member, path, level + 1)
          }
        }
      }
      walk(schema, '', 1)
      return paths
    },
  }
}

function mayHaveMembers(part: Schema): boolean {
  const { type, enum: values } = part
  if (type !== undefined) return listOf(type, type).some((one) => one === 'object' || one === 'array')
  const only = 'const' in part ? [part['const']] : Array.isArray(values) ? values : undefined
  return only === undefined || only.some((value) => typeof value === 'object' && value !== null)
}

/** An object or a list of which nothing more is said. */
function isOpen(part: Schema): boolean {
  return part['type'] !== undefined && mayHaveMembers(part) && !STRUCTURE.some((key) => key in part)
}

function jsonType(type: unknown): JsonType {
  return type === 'integer' ? 'number' : (type as JsonType)
}

function typeOfValue(value: unknown): JsonType {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : (typeof value as JsonType)
}

function listOf(value: unknown, otherwise?: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return otherwise === undefined ? [] : [otherwise]
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(field: string, problem: string, suggestions?: readonly string[]): WebhookSenderError {
  return new WebhookSenderError('invalid_filter', problem, { field, suggestions })
}
