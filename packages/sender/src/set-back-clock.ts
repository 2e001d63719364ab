/** The clock was set back: it is `now`, and was as late as `latest`. */
export interface SetBackClock {
  readonly now: number
  readonly latest: number
}

/** What a store does where the machine's clock decides. */
export interface ClockStore {
  /** The latest time that a process has noted; 0 where the database's clock decides. */
  latestNoted(): Promise<number>
  /**
   * Brings back whatever waits for a time that lies further ahead than it was meant to: deliveries, pauses,
   * leases, overlapping secrets. In small transactions; begun again, it goes on.
   */
  bringTimesBack(clock: SetBackClock, leaseMs: number): Promise<void>
}

/** The latest time that is noted may be so much before the latest that was gone by. */
export const MARK_EVERY_MS = 1_000

/**
 * When something is due by a clock that was set back.
 *
 * @param dueOn - by the clock as it was.
 * @param writtenOn - when the due time was worked out, as far as is known.
 * @returns the due time after which it has waited as long as it was meant to: never later than it was.
 */
export function broughtBack(dueOn: number, writtenOn: number, { now, latest }: SetBackClock): number {
  if (dueOn <= now) return dueOn
  // Worked out while the clock was ahead: what was left of it is left now.
  if (writtenOn > now) return Math.max(now, dueOn - (latest - now))
  // By the clock as it was, its time had come.
  return dueOn <= latest + MARK_EVERY_MS ? now : dueOn
}
