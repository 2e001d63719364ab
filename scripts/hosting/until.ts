/**
 * Waits for something to be so, looking again every few milliseconds.
 *
 * @param condition - answers what is awaited, or undefined or false for "not yet".
 * @param what - named in the error when the time is over.
 */
export async function until<TValue>(
  condition: () => TValue | undefined | false | Promise<TValue | undefined | false>,
  what: string,
  timeoutMs = 10_000,
): Promise<TValue> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`Not seen within ${timeoutMs / 1_000} s: ${what}`)
    await pause(5)
  }
}

/** Lets some time pass. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
