import type { JsonSchema } from './event-type.ts'

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
export function hoistDefinitions(name: string, schema: JsonSchema): Record<string, JsonSchema> {
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
