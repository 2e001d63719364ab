import type { Assertion, FieldNames } from '@x/events-core'

/** How long a replay store keeps what it knows. */
export interface ReplayTimes {
  /**
   * After how long a claim lapses that was neither completed nor released: its holder has crashed. Longer
   * than any handler takes, since another delivery is handled from then on.
   *
   * @defaultValue 300 (five minutes)
   */
  readonly leaseSeconds?: number | undefined
  /**
   * How long a handled id is remembered: at least as long as the sender goes on trying. The schedule in
   * the specification of Standard Webhooks ends after 75.6 hours.
   *
   * @defaultValue 345_600 (four days)
   */
  readonly ttlSeconds?: number | undefined
}

/** {@link ReplayTimes}, checked, in milliseconds. */
export interface ReplayTimesMs {
  readonly leaseMs: number
  readonly ttlMs: number
}

/** The names of {@link ReplayTimes}, for what has others beside them. */
export const REPLAY_TIME_NAMES: FieldNames<ReplayTimes> = { leaseSeconds: true, ttlSeconds: true }

/** A hundred years: what databases can add to a date. */
const MAX_SECONDS = 36_500 * 24 * 3_600

/** Checks how long to keep things, and fills in what is left out. */
export function resolveReplayTimes(assert: Assertion, times: ReplayTimes): ReplayTimesMs {
  const { leaseSeconds = 300, ttlSeconds = 345_600 } = times
  for (const [name, value] of Object.entries({ leaseSeconds, ttlSeconds })) {
    const fits = Number.isFinite(value) && value > 0 && value <= MAX_SECONDS
    assert(fits, name, `a number of seconds above 0, at most ${MAX_SECONDS}`, value)
  }
  return { leaseMs: Math.ceil(leaseSeconds * 1000), ttlMs: Math.ceil(ttlSeconds * 1000) }
}

/** Checks the name that keeps the ids of one receiver apart from those of others. */
export function checkScope(assert: Assertion, scope: string): string {
  const fits = typeof scope === 'string' && scope.length > 0 && scope.length <= 100
  assert(fits, 'scope', 'a string of 1 to 100 characters', scope)
  return scope
}
