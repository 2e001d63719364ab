import type { RateLimit } from '../endpoints/endpoint.ts'

/**
 * A bucket of tokens. Each request takes one, which comes back so many seconds after the request has ended: the next
 * request then arrives later than that, whatever the network does, and in no time of that length does the consumer get
 * more requests than there are tokens.
 */
export interface RateLimiter {
  readonly limit: RateLimit
  hasToken(now: number): boolean
  take(): void
  /** The request has ended. */
  ended(now: number): void
  /** When there is a token again; undefined when that depends on a request under way. */
  nextTokenOn(now: number): number | undefined
  /** The tokens that are out, and when they come back: JSON. */
  stored(now: number): string
}

type Returning = [on: number, tokens: number]

// Tokens that come back at nearly the same time come back together, the later of the times.
const GRAINS = 100

/**
 * @param stored - what the node that delivered before has stored.
 * @param unknown - how many tokens that node may have taken since, if it died.
 */
export function createRateLimiter(
  rateLimit: RateLimit,
  stored: string | null,
  unknown: number,
  now: number,
): RateLimiter {
  const { limit, perSeconds } = rateLimit
  const perMs = perSeconds * 1_000
  const grainMs = Math.max(1, Math.floor(perMs / GRAINS))
  const returning = JSON.parse(stored ?? '[]') as Returning[]
  let underWay = 0
  let out = returning.reduce((sum, [, tokens]) => sum + tokens, 0)
  if (unknown > 0) bringBack(now, unknown)

  function bringBack(time: number, tokens: number): void {
    const on = Math.ceil((time + perMs) / grainMs) * grainMs
    const last = returning.at(-1)
    if (last && last[0] >= on) last[1] += tokens
    else returning.push([on, tokens])
    out += tokens
  }

  function collect(time: number): void {
    // Further ahead than any can be: the clock was set back.
    const longest = Math.ceil((time + perMs) / grainMs) * grainMs
    if ((returning.at(-1)?.[0] ?? 0) > longest) {
      for (const token of returning) token[0] = Math.min(token[0], longest)
    }
    for (let first = returning[0]; first && first[0] <= time; first = returning[0]) {
      out -= first[1]
      returning.shift()
    }
  }

  function hasToken(time: number): boolean {
    collect(time)
    return underWay + out < limit
  }

  return {
    limit: rateLimit,
    hasToken,
    take() {
      underWay += 1
    },
    ended(time) {
      underWay -= 1
      bringBack(time, 1)
    },
    nextTokenOn(time) {
      if (hasToken(time)) return time
      // More may be out than there are tokens, when the limit was lowered or a node has died.
      let missing = underWay + out - limit + 1
      for (const [on, tokens] of returning) {
        missing -= tokens
        if (missing <= 0) return on
      }
      return undefined
    },
    stored(time) {
      collect(time)
      return JSON.stringify(returning)
    },
  }
}
