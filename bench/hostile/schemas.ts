import type { HostileHost } from './hosts.ts'
import type { HostileInput } from './measure.ts'

const MAX_BYTES = 262_144

/** What fills the largest event that there can be. */
const filled = (item: (index: number) => string): unknown[] => {
  const items: string[] = []
  for (let length = 2, index = 0; ; index++) {
    const text = item(index)
    length += text.length + 1
    if (length > MAX_BYTES - 2) break
    items.push(text)
  }
  return JSON.parse(`[${items.join()}]`) as unknown[]
}

const nested = (depth: number, key: string): unknown => {
  let value: unknown = {}
  for (let level = 0; level < depth; level++) value = { [key]: value }
  return value
}

const chain = (keyword: 'allOf' | 'anyOf' | 'oneOf', length: number, place: string) => {
  const definitions = Array.from({ length }, (_, index) => [
    `d${index}`,
    { [keyword]: [{ $ref: `${place}$defs/d${index + 1}` }, { $ref: `${place}$defs/d${index + 1}` }] },
  ])
  return {
    $ref: `${place}$defs/d0`,
    $defs: { ...Object.fromEntries(definitions), [`d${length}`]: { const: 'no' } },
  }
}

const long = 'a'.repeat(MAX_BYTES - 3)
const numbers = filled((index) => String(index % 10))
const objects = filled((index) => `{"id":${index},"name":"n${index}"}`)
const wide = Object.fromEntries(filled((index) => `["k${index}",1]`) as [string, number][])

/** Schemas of a host that mean well, and what a tenant can have compared with them. */
const SCHEMAS: readonly [what: string, schema: object, data: unknown][] = [
  ['a pattern of nested repetitions', { pattern: '^(a+)+$' }, `${long.slice(1)}!`],
  ['a pattern of alternatives that overlap', { pattern: '^(a|aa)+$' }, `${long.slice(1)}!`],
  ['a pattern of many repetitions', { pattern: '\\d+\\d+\\d+\\d+x' }, '1'.repeat(MAX_BYTES - 2)],
  ['a pattern whose automaton explodes', { pattern: '(a|b)*a(a|b){200}c' }, `c${'ab'.repeat(131_000)}`],
  ['a pattern that fits', { pattern: '^[a-z]*$' }, long],
  ['a pattern for each of many texts', { items: { pattern: '^(x+)+$' } }, filled(() => '"xxxxxxx!"')],
  ['patterns for each of many names', { patternProperties: { '^(k+)+$': {}, '^(.*)*$': {} } }, wide],
  ['unique objects', { uniqueItems: true }, objects],
  [
    'unique objects that differ at their ends',
    { uniqueItems: true },
    filled((index) => `[[[[[[${index}]]]]]]`),
  ],
  [
    'unique items at every depth',
    { $ref: '#/$defs/a', $defs: { a: { uniqueItems: true, items: { $ref: '#/$defs/a' } } } },
    JSON.parse(`${'['.repeat(4_000)}${']'.repeat(4_000)}`),
  ],
  ['a recursion as deep as the data', { properties: { n: { $ref: '#' } } }, nested(4_000, 'n')],
  [
    'two branches at every depth',
    { properties: { n: { anyOf: [{ $ref: '#' }, { $ref: '#' }] } }, required: ['n'] },
    nested(4_000, 'n'),
  ],
  ['all of twice, 40 times', { properties: { a: chain('allOf', 40, '#/properties/a/') } }, { a: 'no' }],
  ['any of twice, 40 times', { properties: { a: chain('anyOf', 40, '#/properties/a/') } }, { a: 'yes' }],
  ['one of twice, 40 times', { properties: { a: chain('oneOf', 40, '#/properties/a/') } }, { a: 'no' }],
  [
    'an enumeration of thousands',
    { items: { enum: Array.from({ length: 10_000 }, (_, index) => index - 20_000) } },
    numbers,
  ],
  [
    'constants that are large',
    { items: { not: { const: objects.slice(0, 2_000) } } },
    filled(() => '[{"id":0}]'),
  ],
  [
    'hundreds of alternatives',
    { items: { anyOf: Array.from({ length: 500 }, (_, index) => ({ const: index + 100 })) } },
    numbers,
  ],
  ['an item that nothing contains', { contains: { type: 'string' } }, numbers],
  ['names that are not allowed', { additionalProperties: false }, wide],
  [
    'names that are looked at',
    { propertyNames: { maxLength: 3 }, unevaluatedProperties: { type: 'number' } },
    wide,
  ],
  [
    'the length of a text, a thousand times',
    { allOf: Array.from({ length: 1_000 }, () => ({ minLength: 1 })) },
    long,
  ],
  ['items of another type', { items: { type: 'string' } }, numbers],
  ['items that fit', { items: { type: 'integer', minimum: 0 } }, numbers],
]

/** Raising events whose data is compared with a schema. */
export function schemaInputs({ engine, sender }: HostileHost): HostileInput[] {
  return SCHEMAS.map(([what, schema, data], index) => {
    const action = `Hostile${index}`
    sender.eventTypes.define({ type: `Page.${action}`, description: what, schema })
    const raise = () =>
      engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, 'Page', 1, action, {
        data: data as never,
      })
    return { what: `schema: ${what}`, run: raise }
  })
}
