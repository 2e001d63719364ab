/** A mistaken header must not silence a client for days, nor overflow a timer. */
const LONGEST_MS = 3_600_000

/**
 * Reads a `Retry-After` header, seconds or a date.
 *
 * @returns milliseconds from `now`, at most an hour; undefined without a header that can be read.
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const text = header.trim()
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_MS)
}
