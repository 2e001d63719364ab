import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createEventIdGenerator } from '../../src/raise/event-id.ts'

const UUID_V7 = /^evt_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

it('gives ids of version 7 that ascend, however the clock stands still or jumps', () => {
  const times = fc.array(fc.integer({ min: 0, max: 2 ** 43 }), { minLength: 1, maxLength: 50 })
  const repeats = fc.integer({ min: 1, max: 200 })
  fc.assert(
    fc.property(times, repeats, (clockReadings, repeat) => {
      const readings = clockReadings.flatMap((ms) => Array.from({ length: repeat }, () => ms))
      let index = 0
      const next = createEventIdGenerator(() => readings[index++] as number)
      const ids = readings.map(next)
      for (const id of ids) expect(id).toMatch(UUID_V7)
      expect(ids).toEqual([...new Set(ids)].sort())
    }),
    { numRuns: 50 },
  )
})

it('keeps ascending beyond what the counter of a millisecond holds', () => {
  const next = createEventIdGenerator(() => 1_000)
  const ids = Array.from({ length: 10_000 }, next)
  expect(ids).toEqual([...new Set(ids)].sort())
})
