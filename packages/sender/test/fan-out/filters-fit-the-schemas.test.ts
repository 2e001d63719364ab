import { describe, expect, it } from 'vitest'
import { compileContentFilter } from '../../src/fan-out/compile-filter.ts'
import { assertFitsSchemas } from '../../src/fan-out/filter-schema.ts'

const invoice = {
  type: 'object',
  properties: {
    total: { type: 'number' },
    count: { type: 'integer' },
    status: { enum: ['open', 'paid'] },
    kind: { const: 'invoice' },
    isUrgent: { type: 'boolean' },
    note: { type: ['string', 'null'] },
    paidOn: { type: 'string', format: 'date-time' },
    tags: { type: 'array', items: { type: 'string' } },
    pair: { prefixItems: [{ type: 'number' }, { type: 'object', properties: { x: { type: 'string' } } }] },
    customer: { $ref: '#/$defs/customer' },
    either: { anyOf: [{ type: 'string' }, { type: 'object', properties: { id: { type: 'number' } } }] },
    both: { allOf: [{ properties: { a: { type: 'number' } } }, { properties: { b: {} }, required: ['a'] }] },
    extra: { type: 'object' },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    anything: {},
    byName: { patternProperties: { '^x': { type: 'number' } } },
    items: { type: 'array', items: { properties: { price: { type: 'number' } }, required: ['price'] } },
  },
  $defs: {
    customer: {
      type: 'object',
      properties: { name: { type: 'string' }, parent: { $ref: '#/$defs/customer' } },
    },
  },
}
const page = { type: 'object', properties: { path: { type: 'string' }, total: { type: 'string' } } }

const check = (filter: object, ...schemas: (object | boolean | undefined)[]) =>
  assertFitsSchemas(
    compileContentFilter(filter),
    schemas.map((schema, index) => ({ type: index === 0 ? 'Invoice.Paid' : 'Page.Update', schema })),
  )

describe('a filter that schemas allow is taken', () => {
  it.each<[string, unknown]>([
    ['total', { $gt: 1 }],
    ['count', 1],
    ['count', { $in: [1, null] }],
    ['status', 'paid'],
    ['kind', { $startsWith: 'in' }],
    ['isUrgent', true],
    ['note', null],
    ['note', 'x'],
    ['total', null],
    ['paidOn', { $gte: '2026-01-01' }],
    ['tags', 'new'],
    ['tags', { $all: ['new'] }],
    ['tags.0', 'new'],
    ['pair.0', 1],
    ['pair.1.x', 'x'],
    ['pair.x', 'x'],
    ['customer.name', 'Ada'],
    ['customer.parent.parent.name', 'Ada'],
    ['either', 'x'],
    ['either.id', 1],
    ['both.a', 1],
    ['both.b', true],
    ['extra.some.thing', 1],
    ['labels.some', 'x'],
    ['anything', 5],
    ['anything.at.all', 5],
    ['byName.x1', 5],
    ['items.price', { $gt: 5 }],
    ['items', { $elemMatch: { price: { $gt: 5 } } }],
    ['$changed', { $all: ['status'] }],
    ['$before.status', 'open'],
    ['missing', { $exists: false }],
  ])('%s: %j', (path, condition) => {
    const schema = path === 'missing' ? { ...invoice, additionalProperties: true } : invoice
    check({ [`data.entity.${path}`]: condition }, schema)
  })

  it('of what the schema does not describe, says no more than that there is no path', () => {
    check({ 'data.entity': { $exists: true }, type: 'Invoice.Paid', 'data.entityId': 'a' }, invoice)
    check({ $changed: ['anything'] }, invoice)
  })

  it('where one of several types has the path, with the type', () => {
    check({ 'data.entity.path': { $startsWith: '/' }, 'data.entity.count': 1 }, invoice, page)
    check({ 'data.entity.total': 1, $nor: [{ 'data.entity.total': 'x' }] }, invoice, page)
  })

  it('where a type has no schema', () => {
    check({ 'data.entity.whatever': 1 }, invoice, undefined)
    check({ 'data.entity.whatever': 1 }, true)
    check({ 'data.entity.whatever': 1 })
  })
})

describe('a filter that no message could fulfil is refused', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['totl', { $gt: 1 }, 'totl.$gt', /no path in Invoice\.Paid; is data\.entity\.total meant\?/],
    ['customer.nme', 'Ada', 'customer.nme', /is data\.entity\.customer\.name meant\?/],
    ['customer.parent.nam', 'x', 'customer.parent.nam', /data\.entity\.customer\.parent\.name/],
    ['items.prise', 1, 'items.prise', /data\.entity\.items\.price/],
    ['total.amount', 1, 'total.amount', /no path/],
    ['status.x', 1, 'status.x', /no path/],
    ['both.c', 1, 'both.c', /no path/],
    ['total', '100', 'total', /wants a string at data\.entity\.total, where Invoice\.Paid has number/],
    ['total', { $gt: '100' }, 'total.$gt', /wants a string/],
    ['total', { $not: { $lt: '1' } }, 'total.$not.$lt', /wants a string/],
    ['status', 1, 'status', /wants a number .* has string/],
    ['status', { $in: [1, 2] }, 'status.$in', /wants a number/],
    ['isUrgent', 'true', 'isUrgent', /wants a string .* has boolean/],
    ['note', 1, 'note', /has string or null/],
    ['kind', true, 'kind', /wants a boolean/],
    ['total', { $startsWith: '1' }, 'total.$startsWith', /wants a string/],
    ['total', { $elemMatch: { $gt: 1 } }, 'total.$elemMatch', /wants a list/],
    ['status', { $all: ['a'] }, 'status.$all', /wants a list/],
    ['tags', 1, 'tags', /has array or string/],
    ['labels.some', 1, 'labels.some', /has string/],
    ['items', { $elemMatch: { price: '5' } }, 'items.$elemMatch.price', /at data\.entity\.items\.price/],
  ])('%s: %j', (path, condition, place, message) => {
    const refused = () => check({ [`data.entity.${path}`]: condition }, invoice)
    expect(refused).toThrow(message)
    expect(refused).toThrow(
      expect.objectContaining({ code: 'invalid_filter', field: `filter.data.entity.${place}` }),
    )
  })

  it('where each of several types tells so', () => {
    expect(() => check({ 'data.entity.pat': 'x' }, invoice, page)).toThrow(
      'no path in any of the event types; is data.entity.path meant?',
    )
    expect(() => check({ 'data.entity.total': true }, invoice, page)).toThrow('has number or string')
  })

  it('also without schemas, of what every message has', () => {
    expect(() => check({ 'data.tenantId': '1' })).toThrow('wants a string at data.tenantId')
    expect(() => check({ 'data.tenantId.x': 1 })).toThrow('no path in a message')
    expect(() => check({ timestamp: { $gt: 1 } }, undefined)).toThrow('wants a number at timestamp')
  })
})
