import fc from 'fast-check'
import siftModule from 'sift'
import { expect, it } from 'vitest'
import { compileContentFilter } from '../../src/fan-out/compile-filter.ts'

// Its types describe another module than Node loads.
const sift = siftModule.default

const scalar = fc.oneof(
  fc.integer({ min: -2, max: 3 }),
  fc.constantFrom('', 'x', 'xy', 'y', '1', 'true'),
  fc.boolean(),
  fc.constant(null),
)

/** A message's entity: objects, lists of objects, and `l` for lists of values; anything may be missing at every depth. */
const { entity } = fc.letrec<{ entity: object; value: unknown }>((tie) => ({
  entity: fc.record(
    { a: tie('value'), b: tie('value'), l: fc.array(scalar, { minLength: 1, maxLength: 3 }) },
    { requiredKeys: [], noNullPrototype: true },
  ),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('entity'), { minLength: 1, maxLength: 3 }),
    tie('entity'),
  ),
}))

const orderable = fc.oneof(fc.integer({ min: -2, max: 3 }), fc.constantFrom('x', 'xy', 'y'))
const operators = fc.oneof(
  fc.record({ $eq: scalar }),
  fc.record({ $ne: scalar }),
  fc.record({ $in: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ $nin: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $gt: orderable }),
  fc.record({ $lte: orderable }),
  fc.record({ $gte: orderable, $lt: orderable }),
  fc.record({ $all: fc.array(scalar, { minLength: 1, maxLength: 2 }) }),
)
const condition = fc.oneof(
  scalar,
  operators,
  operators.map(($not) => ({ $not })),
)
// Of paths that lead nowhere in a list (into a value, beyond its end), sift makes null in some conditions, and not in others.
const path = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '0'), { maxLength: 2 }), fc.constantFrom('a', 'b', 'l', 'l.0'))
  .map(([through, last]) => ['data.entity', ...through, last].join('.'))
const paths = fc.dictionary(path, condition, { minKeys: 1, maxKeys: 2, noNullPrototype: true })
const { filter } = fc.letrec<{ filter: object }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
    paths,
    fc.record({ $or: fc.array(tie('filter'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ $and: fc.array(tie('filter'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ $nor: fc.array(tie('filter'), { minLength: 1, maxLength: 2 }) }),
  ),
}))

it('decides as sift does, which implements the operators of MongoDB', () => {
  let matched = 0
  fc.assert(
    fc.property(filter, entity, (drawn, of) => {
      const wanted = JSON.parse(JSON.stringify(drawn)) as object
      const message = { data: { entity: of } }
      const matches = compileContentFilter(wanted).matches(message)
      if (matches) matched++
      expect(matches).toBe(sift(wanted as never)(message))
    }),
    { numRuns: 3_000 },
  )
  // Neither all nor nothing, or this would show little.
  expect(matched).toBeGreaterThan(300)
})
