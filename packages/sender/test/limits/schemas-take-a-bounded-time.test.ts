import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSchemaCompiler } from '../../src/event-types/json-schema.ts'
import { openHost, site } from '../open-host.ts'

const TOO_MUCH = expect.stringContaining('too long to compare')
const check = (schema: object, value: unknown) => createSchemaCompiler()(schema)(value)
/** Undefined where the schema is refused, since nothing can be compared with it. */
const checkIfTaken = (schema: object, value: unknown) => {
  try {
    return check(schema, value)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const list = <T>(length: number, item: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => item(index))

const nested = (depth: number): unknown => {
  let value: unknown = {}
  for (let level = 0; level < depth; level++) value = { n: value }
  return value
}

/** Doubles with each of its definitions. */
const chain = (keyword: string, length: number) => ({ ...doubling(keyword, length), $ref: '#/$defs/d0' })

const doubling = (keyword: string, length: number) => ({
  $defs: Object.fromEntries([
    ...list(length, (index) => [
      `d${index}`,
      { [keyword]: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }] },
    ]),
    [`d${length}`, keyword === 'allOf' ? { type: 'string' } : { const: 'no' }],
  ]),
})

describe('a comparison ends, whatever is compared', () => {
  const deepLists = JSON.parse(`${'['.repeat(4_000)}${']'.repeat(4_000)}`) as unknown
  it.each<[string, object, unknown]>([
    ['a reference to itself', { $ref: '#' }, 1],
    [
      'references in a circle',
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
      1,
    ],
    ['a dynamic reference to itself', { $dynamicAnchor: 'a', allOf: [{ $dynamicRef: '#a' }] }, 1],
    ['a recursion that is deeper than the stack', { properties: { n: { $ref: '#' } } }, nested(50_000)],
    [
      'two branches at each depth',
      {
        properties: { n: { anyOf: [{ $ref: '#' }, { $ref: '#' }] } },
        anyOf: [{ required: ['x'] }, { required: ['n'] }],
      },
      nested(60),
    ],
    ['all of twice, 40 times', chain('allOf', 40), 'yes'],
    ['any of twice, 40 times', chain('anyOf', 40), 'yes'],
    ['one of twice, 40 times', chain('oneOf', 40), 'no'],
    ['not of what doubles', { ...doubling('anyOf', 40), not: { $ref: '#/$defs/d0' } }, 'yes'],
    [
      'if of what doubles',
      { ...doubling('anyOf', 40), if: { $ref: '#/$defs/d0' }, else: { type: 'string' } },
      'yes',
    ],
    [
      'a large enumeration for many',
      { items: { enum: list(20_000, (index) => index + 10) } },
      list(10_000, () => 10),
    ],
    ['a large constant for many', { items: { not: { const: list(5_000, String) } } }, list(10_000, () => [])],
    [
      'hundreds of alternatives for many',
      { items: { anyOf: list(500, (index) => ({ type: index < 499 ? 'string' : 'number' })) } },
      list(10_000, () => 1),
    ],
    [
      'a length that is counted a thousand times',
      { allOf: list(1_000, () => ({ minLength: 1 })) },
      'x'.repeat(200_000),
    ],
    [
      'names that are looked at a thousand times',
      { allOf: list(1_000, () => ({ minProperties: 1 })) },
      Object.fromEntries(list(10_000, (index) => [index, 1])),
    ],
    [
      'unique lists at each depth',
      { $ref: '#/$defs/a', $defs: { a: { uniqueItems: true, items: { $ref: '#/$defs/a' } } } },
      [deepLists, 1],
    ],
    [
      'a pattern for each of many names',
      { patternProperties: { '^(x+)+$': true } },
      Object.fromEntries(list(20_000, (index) => [`xxxxxxxxxx${index}`, 1])),
    ],
    ['a lookahead at each character', { pattern: '^(?:(?=.*!).)*$' }, `${'a'.repeat(200_000)}!`],
    ['a pattern for a text that is very long', { pattern: '^(a|b|ab)*$' }, 'ab'.repeat(100_000)],
  ])('%s', (_what, schema, value) => {
    const problems = checkIfTaken(schema, value)
    if (problems && problems.length > 0) expect(problems).toEqual([TOO_MUCH])
  })
})

it('compares large values that are of use, with schemas that are of use', () => {
  const numbers = list(130_000, (index) => index % 10)
  expect(check({ type: 'array', items: { type: 'integer', minimum: 0 } }, numbers)).toEqual([])
  const orders = list(2_500, (id) => ({
    id,
    name: `Order ${id}`,
    state: 'paid',
    lines: [{ sku: 'A-1', count: 2 }],
  }))
  const order = {
    type: 'object',
    properties: {
      id: { type: 'integer' },
      name: { type: 'string', minLength: 1, maxLength: 100 },
      state: { enum: ['open', 'paid'] },
      lines: { type: 'array', items: { type: 'object', properties: { sku: { pattern: '^[A-Z]-\\d+$' } } } },
    },
    required: ['id', 'name'],
    additionalProperties: false,
  }
  expect(check({ type: 'array', items: order, uniqueItems: true }, orders)).toEqual([])
  expect(check({ pattern: '^(a+)+$' }, `${'a'.repeat(10_000)}!`)).toEqual([
    expect.stringContaining('pattern'),
  ])
  const twoKinds = {
    oneOf: [
      { type: 'object', required: ['a'] },
      { type: 'object', required: ['b'] },
    ],
  }
  expect(
    check(
      { items: twoKinds },
      list(3_000, () => ({ b: 1 })),
    ),
  ).toEqual([])
  expect(check({ minLength: 1, pattern: '^[A-Za-z0-9+/=]*$' }, 'QUJD'.repeat(50_000))).toEqual([])
})

it('finds the values of a list that are the same', () => {
  const problemsOf = createSchemaCompiler()({ uniqueItems: true })
  const unique = (value: unknown) => problemsOf(value).length === 0
  const value = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(fc.array(value, { maxLength: 8 }), (values) => {
      const texts = values.map((one) => JSON.stringify(sorted(one)))
      expect(unique(values)).toBe(new Set(texts).size === values.length)
      if (values.length > 0) expect(unique([...values, JSON.parse(JSON.stringify(values[0]))])).toBe(false)
    }),
  )
  expect(
    unique([
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ]),
  ).toBe(false)
  expect(unique([1, '1', true, 'true', null, 'null', [], {}, [[]], [{}]])).toBe(true)
  expect(unique([0, -0])).toBe(false)
  expect(
    unique([
      { a: 1, b: 2 },
      { a: 2, b: 1 },
    ]),
  ).toBe(true)
})

/** The same with the members of objects by name. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['list', ...value.map(sorted)]
  if (typeof value === 'number') return value + 0
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, one]) => [name, sorted(one), 'member'])
}

it.each<[string, object, string]>([
  ['a lookbehind', { pattern: '(?<=a)b' }, 'cannot be matched in linear time'],
  ['a backreference', { patternProperties: { '(a)\\1': {} } }, 'cannot be matched in linear time'],
  ['a pattern that is none', { properties: { a: { pattern: '(' } } }, 'Invalid regular expression'],
  ['too many characters', { enum: list(50_000, (index) => index) }, '200000'],
  ['too many schemas within each other', nestedSchema(100), '64 schemas deep'],
  [
    'a reference to what is no schema',
    { 'x-own': { allOf: [] }, $ref: '#/x-own' },
    "can't resolve reference",
  ],
  ['a reference to itself', { $ref: '#' }, 'refer to itself'],
  ['what doubles 40 times', chain('anyOf', 40), 'refer to itself'],
  ['an asynchronous schema', { $async: true }, '$async'],
])('refuses a schema of %s when it is defined', async (_what, schema, why) => {
  await using host = await openHost()
  const define = () => host.sender.eventTypes.define({ type: 'Page.Update', description: 'A page.', schema })
  expect(define).toThrow(why)
  expect(define).toThrow(expect.objectContaining({ code: 'invalid_event_type', field: 'schema' }))
  expect(host.sender.eventTypes.list()).toEqual([])
})

function nestedSchema(depth: number): object {
  let schema: object = {}
  for (let level = 0; level < depth; level++) schema = { items: schema }
  return schema
}

it('refuses an event that takes too long to compare, and stores nothing', async () => {
  await using host = await openHost({ validate: 'refuse' })
  const schema = { properties: { n: { anyOf: [{ $ref: '#' }, { $ref: '#' }] } }, required: ['n'] }
  host.sender.eventTypes.define({ type: 'Page.Update', description: 'A page.', schema })
  const raising = host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update', {
    data: nested(60) as never,
  })
  await expect(raising).rejects.toMatchObject({ code: 'invalid_payload', message: TOO_MUCH })
  expect(await host.run('select * from xe_sync_event')).toEqual([])
})
