import type { Assertion, Clock } from '@x/events-core'
import { createArgumentAssertion } from './assert.ts'

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves the time forward, calling on the way what was scheduled, in order. */
  advance(ms: number): void
}

const assertArgument: Assertion = createArgumentAssertion('fakeClock')

/**
 * Creates a clock for tests of what depends on the time: how old a message may be, when a replay store
 * forgets, when a handler has taken too long.
 *
 * @param startMs - where it stands at first.
 * @defaultValue startMs: now
 *
 * @example
 * ```ts
 * import { createReceiver, generateSecret } from '@x/receiver'
 * import { fakeClock, signedRequest } from '@x/receiver/testing'
 *
 * const secret = generateSecret()
 * const clock = fakeClock()
 * const receiver = createReceiver({ secrets: secret, clock })
 * const request = signedRequest({ secret, body: { type: 'File.Create', data: {} } })
 * clock.advance(301_000)
 * const response = await receiver.handle(request)
 * response.status // 401
 * ```
 */
export function fakeClock(startMs: number = Date.now()): FakeClock {
  assertArgument(Number.isFinite(startMs), 'startMs', 'a number of milliseconds since 1970', startMs)
  let now = startMs
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  return {
    now: () => now,
    schedule(callback, delayMs) {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return () => {
        timers.delete(timer)
      }
    },
    advance(ms) {
      const until = now + ms
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)
        if (!next) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.callback()
      }
      now = until
    },
  }
}
