/**
 * Waits for a condition, looking again every few milliseconds.
 *
 * @param condition - answers the awaited value, or undefined or false for "not yet"; while it throws, it is asked again.
 * @param what - named in the error when the time is over.
 */
export async function waitFor<TValue>(
  condition: () => TValue | Promise<TValue>,
  what: string,
  timeoutMs = 180_000,
): Promise<NonNullable<Exclude<TValue, false>>> {
  const deadline = Date.now() + timeoutMs
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
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain for: ${what}`, { cause: lastError })
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
