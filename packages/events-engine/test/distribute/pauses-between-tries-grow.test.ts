import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createRetryPolicy } from '../../src/distribute/subscription.ts'

it('doubles the pause up to the longest, and takes at most half of it away', () => {
  const policies = fc.record({ firstDelayMs: fc.integer({ min: 1, max: 1_000 }), more: fc.nat(100_000) })
  fc.assert(
    fc.property(
      policies,
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (given, failed, chance) => {
        const maxDelayMs = given.firstDelayMs + given.more
        const policy = createRetryPolicy({ firstDelayMs: given.firstDelayMs, maxDelayMs }, () => chance)
        const whole = Math.min(maxDelayMs, given.firstDelayMs * 2 ** (failed - 1))
        expect(policy.delayMs(failed)).toBeGreaterThanOrEqual(whole / 2)
        expect(policy.delayMs(failed)).toBeLessThanOrEqual(whole)
      },
    ),
  )
})
