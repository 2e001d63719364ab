import { describe, expect, it } from 'vitest'
import { compileContentFilter } from '../../src/fan-out/compile-filter.ts'

const entity = {
  total: 120,
  status: 'paid',
  note: null,
  isUrgent: true,
  tags: ['new', 'eu'],
  codes: [1, 2, 3],
  none: [],
  paidOn: '2026-11-26T10:00:00.123456+02:00',
  dueOn: '2026-12-01',
  customer: { name: 'Ada', address: { city: 'Zürich' } },
  items: [
    { sku: 'a', price: 5, parts: [{ n: 1 }] },
    { sku: 'b', price: 50 },
  ],
  ['__proto__x']: 1,
  $changed: ['status', 'total'],
}
const message = {
  type: 'Invoice.Update',
  timestamp: '2026-11-26T08:00:00.000Z',
  data: {
    tenantId: 1,
    siteId: 7,
    siteKey: '1:7',
    entityName: 'Invoice',
    entityId: 12,
    action: 'Update',
    entity,
  },
}

type Case = readonly [filter: Record<string, unknown>, matches: boolean]
const of = (path: string, condition: unknown, matches: boolean): Case => [
  { [`data.entity.${path}`]: condition },
  matches,
]

const groups: Record<string, readonly Case[]> = {
  equality: [
    [{}, true],
    [{ type: 'Invoice.Update' }, true],
    [{ type: 'invoice.update' }, false],
    [{ 'data.entityId': 12 }, true],
    [{ 'data.entityId': '12' }, false],
    of('total', 120, true),
    of('total', '120', false),
    of('total', true, false),
    of('isUrgent', true, true),
    of('isUrgent', 1, false),
    of('isUrgent', 'true', false),
    of('status', { $eq: 'paid' }, true),
    of('status', { $ne: 'paid' }, false),
    of('status', { $ne: 'open' }, true),
    of('missing', { $ne: 'open' }, true),
    of('customer.address.city', 'Zürich', true),
    of('customer', 'Ada', false),
  ],
  'null and what is missing': [
    of('note', null, true),
    of('missing', null, true),
    of('customer.missing.deeper', null, true),
    of('status', null, false),
    of('note', { $ne: null }, false),
    of('missing', { $ne: null }, false),
    of('status', { $ne: null }, true),
    of('note', { $exists: true }, true),
    of('missing', { $exists: true }, false),
    of('missing', { $exists: false }, true),
    of('none', { $exists: true }, true),
    of('note', 0, false),
    of('note', '', false),
    of('note', false, false),
  ],
  order: [
    of('total', { $gt: 100 }, true),
    of('total', { $gt: 120 }, false),
    of('total', { $gte: 120 }, true),
    of('total', { $lt: 120 }, false),
    of('total', { $lte: 120 }, true),
    of('total', { $gt: 100, $lt: 110 }, false),
    of('total', { $gt: '100' }, false),
    of('status', { $gt: 0 }, false),
    of('note', { $lt: 1 }, false),
    of('missing', { $lt: 1 }, false),
    of('isUrgent', { $gte: 0 }, false),
    of('status', { $gt: 'open' }, true),
    of('status', { $lt: 'open' }, false),
  ],
  dates: [
    of('paidOn', { $gt: '2026-11-26T08:00:00Z' }, true),
    of('paidOn', { $gt: '2026-11-26T08:00:00.123455Z' }, true),
    of('paidOn', { $gt: '2026-11-26T08:00:00.123456Z' }, false),
    of('paidOn', { $gte: '2026-11-26T08:00:00.1234560Z' }, true),
    of('paidOn', { $lt: '2026-11-26T09:00:00Z' }, true),
    of('paidOn', '2026-11-26T08:00:00.123456Z', true),
    of('paidOn', { $in: ['2026-11-26T08:00:00.123456Z'] }, true),
    of('paidOn', { $gte: '2026-11-26' }, true),
    of('dueOn', { $lt: '2026-12-01T00:00:00.000001Z' }, true),
    of('dueOn', { $eq: '2026-12-01T01:00:00+01:00' }, true),
    of('dueOn', { $gt: '2026-11-99' }, true),
    [{ timestamp: { $gte: '2026-11-26T08:00:00Z' } }, true],
    [{ timestamp: { $lt: '2026-11-26T08:00:00Z' } }, false],
  ],
  lists: [
    of('status', { $in: ['open', 'paid'] }, true),
    of('status', { $nin: ['open', 'paid'] }, false),
    of('missing', { $nin: ['open'] }, true),
    of('missing', { $in: [null] }, true),
    of('tags', 'eu', true),
    of('tags', { $ne: 'eu' }, false),
    of('tags', { $in: ['us', 'eu'] }, true),
    of('tags', { $nin: ['us', 'eu'] }, false),
    of('tags', { $all: ['eu', 'new'] }, true),
    of('tags', { $all: ['eu', 'old'] }, false),
    of('tags.0', 'new', true),
    of('tags.1', 'new', false),
    of('tags.2', { $exists: false }, true),
    of('tags.length', { $exists: true }, false),
    of('codes', { $gt: 2 }, true),
    of('codes', { $gt: 3 }, false),
    of('none', { $gt: 0 }, false),
    of('none', null, false),
    of('none.name', null, false),
    of('none.name', { $exists: false }, true),
    of('none.0', { $exists: false }, true),
    of('codes.name', null, false),
    of('codes.name', { $ne: 1 }, true),
    of('items.parts.n', null, true),
    of('items.price', { $gt: 40 }, true),
    of('items.price', { $gt: 40, $lt: 10 }, true),
    of('items.sku', { $all: ['a', 'b'] }, true),
    of('items.parts.n', 1, true),
    of('items.1.sku', 'b', true),
    of('items.missing', { $exists: true }, false),
    of('items', { $elemMatch: { sku: 'a', price: { $lt: 10 } } }, true),
    of('items', { $elemMatch: { sku: 'a', price: { $gt: 40 } } }, false),
    of('items', { $elemMatch: { $or: [{ sku: 'x' }, { price: 50 }] } }, true),
    of('items', { $elemMatch: { parts: { $elemMatch: { n: 1 } } } }, true),
    of('codes', { $elemMatch: { $gt: 1, $lt: 3 } }, true),
    of('codes', { $elemMatch: { $gt: 3 } }, false),
    of('total', { $elemMatch: { $gt: 3 } }, false),
  ],
  texts: [
    of('status', { $startsWith: 'pa' }, true),
    of('status', { $startsWith: 'PA' }, false),
    of('status', { $endsWith: 'id' }, true),
    of('status', { $contains: 'ai' }, true),
    of('status', { $contains: 'xx' }, false),
    of('total', { $startsWith: '1' }, false),
    of('tags', { $startsWith: 'e' }, true),
    of('status', { $contains: '.*' }, false),
  ],
  'and, or, not': [
    [{ 'data.entity.total': 120, 'data.entity.status': 'open' }, false],
    [{ $and: [{ type: 'Invoice.Update' }, { 'data.entity.total': 120 }] }, true],
    [{ $or: [{ type: 'x' }, { 'data.entity.total': 120 }] }, true],
    [{ $or: [{ type: 'x' }, { 'data.entity.total': 1 }] }, false],
    [{ $nor: [{ type: 'x' }, { 'data.entity.total': 1 }] }, true],
    [{ $nor: [{ type: 'x' }, { 'data.entity.total': 120 }] }, false],
    [{ $not: { type: 'x' } }, true],
    [{ $not: { type: 'Invoice.Update', 'data.entity.total': 1 } }, true],
    of('total', { $not: { $gt: 100 } }, false),
    of('missing', { $not: { $gt: 100 } }, true),
    of('tags', { $not: { $in: ['eu'] } }, false),
  ],
  'what has changed': [
    [{ $changed: ['status'] }, true],
    [{ $changed: ['name', 'status'] }, true],
    [{ $changed: ['name'] }, false],
    [{ $and: [{ $changed: ['status'] }, { $changed: ['total'] }] }, true],
    [{ $not: { $changed: ['status'] } }, false],
    [{ $changed: ['status'], 'data.entity.status': 'paid' }, true],
    of('$changed', { $all: ['status', 'total'] }, true),
  ],
  'names that objects have of their own': [
    of('__proto__', { $exists: true }, false),
    of('constructor', { $exists: true }, false),
    of('constructor.name', 'Object', false),
    of('customer.toString', { $exists: true }, false),
    of('hasOwnProperty', null, true),
    of('__proto__x', 1, true),
  ],
}

describe.each(Object.entries(groups))('a filter compares %s', (_, cases) => {
  it.each(cases.map(([filter, matches]) => ({ filter, matches, text: JSON.stringify(filter) })))(
    '$text: $matches',
    ({ filter, matches }) => {
      expect(compileContentFilter(filter).matches(message)).toBe(matches)
    },
  )
})

it('reads an own property of any name from JSON', () => {
  const { data } = JSON.parse('{"data":{"entity":{"__proto__":{"isAdmin":true}}}}') as { data: object }
  const filter = JSON.parse('{"data.entity.__proto__.isAdmin":true}') as object
  expect(compileContentFilter(filter).matches({ data })).toBe(true)
  expect(compileContentFilter(filter).matches({ data: { entity: {} } })).toBe(false)
})

it('compares with what JSON makes of a value', () => {
  const date = new Date('2026-11-26T08:00:00Z')
  const compiled = compileContentFilter({ timestamp: { $lte: date }, 'data.siteId': undefined })
  expect(compiled.filter).toEqual({ timestamp: { $lte: date.toISOString() } })
  expect(compiled.matches(message)).toBe(true)
})
