import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileContentFilter, FilterTooCostly } from '../../src/fan-out/compile-filter.ts'
import { WebhookSenderError } from '../../src/index.ts'

function nested(levels: number, key: string, innermost: object): object {
  let filter = innermost
  for (let level = 0; level < levels; level++) filter = { [key]: [filter] }
  return filter
}
const condition = { 'data.entity.total': { $gt: 1 } }
const cyclic: Record<string, unknown> = {}
cyclic['$and'] = [cyclic]

describe('what is no filter is refused, with the place in it', () => {
  it.each<[string, unknown, string]>([
    ['no object', 'data.entity.total > 100', 'filter'],
    ['a list', [condition], 'filter'],
    ['null', null, 'filter'],
    ['a function', () => true, 'filter'],
    ['what JSON cannot hold', { 'data.entity.total': 1n }, 'filter'],
    ['a number that JSON cannot hold', { 'data.entity.total': { $gt: Number.NaN } }, 'filter'],
    ['a filter within itself', cyclic, 'filter'],
    ['one nested deeper than the stack', nested(50_000, '$and', condition), 'filter'],
    ['one nested too deeply', nested(8, '$or', condition), `filter${'.$or[0]'.repeat(8)}`],
    ['too long a text', { 'data.entity.name': 'x'.repeat(5_000) }, 'filter'],
    [
      'too many conditions',
      Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`data.entity.a${index}`, 1])),
      'filter',
    ],
    [
      'too long a list',
      { 'data.entity.id': { $in: Array.from({ length: 101 }, (_, index) => index) } },
      'filter.data.entity.id.$in',
    ],
    ['an empty list', { 'data.entity.id': { $in: [] } }, 'filter.data.entity.id.$in'],
    ['no list', { 'data.entity.id': { $in: 'a' } }, 'filter.data.entity.id.$in'],
    ['an object in a list', { 'data.entity.id': { $in: [1, {}] } }, 'filter.data.entity.id.$in[1]'],
    ['an empty group', { $or: [] }, 'filter.$or'],
    ['a group of no filters', { $or: [condition, 1] }, 'filter.$or[1]'],
    ['code', { $where: 'return true' }, 'filter.$where'],
    ['a regular expression', { 'data.entity.name': { $regex: '(a+)+$' } }, 'filter.data.entity.name.$regex'],
    ['a regular expression of JavaScript', { 'data.entity.name': /x/ }, 'filter.data.entity.name'],
    ['an expression', { $expr: { $gt: ['$a', '$b'] } }, 'filter.$expr'],
    ['an operator without a path', { $gt: 5 }, 'filter.$gt'],
    ['a list to be equal to', { 'data.entity.tags': ['a'] }, 'filter.data.entity.tags'],
    [
      'an object to be equal to',
      { 'data.entity.customer': { name: 'Ada' } },
      'filter.data.entity.customer.name',
    ],
    ['no conditions', { 'data.entity.total': {} }, 'filter.data.entity.total'],
    ['an order of what has none', { 'data.entity.total': { $gt: true } }, 'filter.data.entity.total.$gt'],
    ['a text that is empty', { 'data.entity.name': { $contains: '' } }, 'filter.data.entity.name.$contains'],
    ['no boolean', { 'data.entity.name': { $exists: 1 } }, 'filter.data.entity.name.$exists'],
    ['no condition to negate', { 'data.entity.name': { $not: 'x' } }, 'filter.data.entity.name.$not'],
    ['a path that no message has', { total: 1 }, 'filter.total'],
    ['a path within the message that it does not have', { 'data.total': 1 }, 'filter.data.total'],
    ['a path with an empty name', { 'data.entity..x': 1 }, 'filter.data.entity..x'],
    ['a path of a prototype', JSON.parse('{"__proto__":{"x":1}}'), 'filter.__proto__'],
    ['a path of a constructor', { 'constructor.prototype.x': 1 }, 'filter.constructor.prototype.x'],
    ['no names of columns', { $changed: 'status' }, 'filter.$changed'],
    ['a column without a name', { $changed: ['status', ''] }, 'filter.$changed[1]'],
    [
      'what has changed in a member of a list',
      { 'data.entity.items': { $elemMatch: { a: 1, $changed: ['x'] } } },
      'filter.data.entity.items.$elemMatch.$changed',
    ],
    [
      'nothing asked of a member',
      { 'data.entity.items': { $elemMatch: {} } },
      'filter.data.entity.items.$elemMatch',
    ],
  ])('%s', (_, filter, field) => {
    let thrown: unknown
    try {
      compileContentFilter(filter)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(WebhookSenderError)
    expect(thrown).toMatchObject({ code: 'invalid_filter', field })
    expect((thrown as Error).message.length).toBeLessThan(700)
  })

  it('says which path may be meant', () => {
    expect(() => compileContentFilter({ total: 1 })).toThrow('is data.entity.total meant?')
    expect(() => compileContentFilter({ 'data.total': 1 })).toThrow('is data.entity.total meant?')
    expect(() => compileContentFilter({ entityId: 1 })).toThrow('is data.entityId meant?')
    expect(() => compileContentFilter({ 'entity.total': 1 })).toThrow('is data.entity.total meant?')
    expect(() => compileContentFilter({ 'data.entity.customer': { name: 'Ada' } })).toThrow(
      'write "data.entity.customer.name" as the path',
    )
  })
})

it('takes what lies within the bounds', () => {
  const filter = {
    ...nested(6, '$and', condition),
    'data.entity.id': { $in: Array.from({ length: 100 }, (_, index) => index) },
  }
  expect(compileContentFilter(filter).matches({ data: { entity: { total: 2, id: 99 } } })).toBe(true)
})

describe('an evaluation takes a bounded number of steps', () => {
  it.each<[string, object, unknown]>([
    [
      'lists of many members',
      { 'data.entity.n': { $gt: 1 } },
      Array.from({ length: 20_000 }, () => ({ n: 0 })),
    ],
    [
      'lists within lists',
      { 'data.entity.a.a.a': 1 },
      Array.from({ length: 30 }, () => ({
        a: Array.from({ length: 30 }, () => ({ a: Array(30).fill({ a: 0 }) })),
      })),
    ],
    [
      'a long text that is looked for in a long text',
      { 'data.entity': { $contains: `${'a'.repeat(500)}b` } },
      'a'.repeat(200_000),
    ],
    [
      'many dates',
      { 'data.entity': { $gt: '2026-01-01' } },
      Array.from({ length: 600 }, () => '2025-11-26T09:00:00Z'),
    ],
    [
      'each member against each condition',
      {
        'data.entity': {
          $elemMatch: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`a${n}`, null])),
        },
      },
      Array.from({ length: 2_000 }, () => ({ a59: 1 })),
    ],
  ])('%s', (_, filter, entity) => {
    const { matches } = compileContentFilter(filter)
    expect(() => matches({ data: { entity } })).toThrow(FilterTooCostly)
    expect(matches({ data: { entity: 0 } })).toBe(false)
  })

  it('however deep a message is', () => {
    let entity: unknown = 1
    for (let level = 0; level < 50_000; level++) entity = level % 2 ? [entity] : { a: entity }
    const { matches } = compileContentFilter({ 'data.entity.a.a.a.a': 1, 'data.entity.b': null })
    expect(matches({ data: { entity } })).toBe(false)
  })
})

it('never throws anything else, whatever it is given', () => {
  const key = fc.oneof(
    fc.constantFrom('$and', '$or', '$nor', '$not', '$changed', '$elemMatch', '$in', '$gt', '$eq', '$all'),
    fc.constantFrom('data.entity', 'data.entity.a', '__proto__', 'constructor', 'type', 'a'),
    fc.string(),
  )
  const anything = fc.anything({ key, maxDepth: 6, withBigInt: true, withDate: true, withSparseArray: true })
  fc.assert(
    fc.property(anything, fc.jsonValue(), (filter, entity) => {
      try {
        compileContentFilter(filter).matches({ data: { entity } })
      } catch (error) {
        if (!(error instanceof WebhookSenderError) || error.code !== 'invalid_filter') throw error
      }
    }),
    { numRuns: 2_000 },
  )
})
