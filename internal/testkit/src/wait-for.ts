const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 40

/**
 * Waits for a condition. It is asked every few milliseconds, and less often the longer it takes, so that tests which wait do not
 * keep those from working that run beside them.
 *
 * @param condition - answers the awaited value, or undefined or false for "not yet"; while it throws, it is asked again.
 * @param what - named in the error when the time is over.
 */
export async function waitFor<TValue>(
  condition: () => TValue | Promise<TValue>,
  what: string,
  timeoutMs = 180_000,
): Promise<NonNullable<Exclude<TValue, false>>> {
  const begin = Date.now()
  let lastError: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value !== undefined && value !== null && value !== false) {
        return value as NonNullable<Exclude<TValue, false>>
      }
    } catch (error) {
      lastError = error
    }
    const waitedMs = Date.now() - begin
    if (waitedMs > timeoutMs) {
      throw new Error(`Waited ${timeoutMs} ms in vain for: ${what}`, { cause: lastError })
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS + waitedMs / 20)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
