/** An event of the log, as retention sees it. */
export interface AgedEvent {
  readonly seq: number
  /** Its time is past. */
  readonly isOld: boolean
  /** It was raised by a clock that was ahead, and set back since. */
  readonly isAhead: boolean
}

/**
 * Finds the end of the log's old part where its first events are dated ahead. An event is at least as old as those that
 * come after it, so they need not stay until the clock has caught up with them.
 *
 * @param firstFrom - the first event from a sequence on.
 * @param limit - where to look first, so many sequences behind the oldest event.
 * @returns a sequence; 0 where nothing is known to be old.
 */
export async function findAgedBehind(
  firstFrom: (sequence: number) => Promise<AgedEvent | undefined>,
  limit: number,
): Promise<number> {
  const oldest = await firstFrom(0)
  if (!oldest?.isAhead) return 0
  let ahead = oldest.seq
  let end: number | undefined
  // First in ever longer steps, then between the last that is dated ahead and what lies behind.
  for (let step = limit; end === undefined || end - ahead > 1; step *= 2) {
    const from: number = end === undefined ? ahead + step : Math.floor((ahead + end) / 2)
    const found = await firstFrom(from)
    if (found?.isOld) return found.seq
    if (found?.isAhead && (end === undefined || found.seq < end)) ahead = found.seq
    else end = from
  }
  return 0
}
