import { expect, it } from 'vitest'
import { steadyClock } from '../src/index.ts'

it('goes on with its clock, and stands still where that is set back', () => {
  let time = 5_000_000
  const clock = steadyClock({ now: () => time, schedule: () => () => {} })
  let before = clock.now()
  for (const step of [0, 1, -1, 86_400_000, -86_400_000, -1, 5, 0, -500, 1_000]) {
    time += step
    const now = clock.now()
    expect(now - before).toBe(Math.max(0, step))
    before = now
  }
})
