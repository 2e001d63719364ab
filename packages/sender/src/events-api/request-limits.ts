import type { Clock } from '@x/events-core'
import type { RateLimit } from '../endpoints/endpoint.ts'
import { tooManyRequests, unavailable } from './problem.ts'

/** What stands in front of the database. Each process counts for itself. */
export interface RequestLimits {
  /**
   * Takes a request of a key, unless it has made too many. Keys that were never found share one limit.
   *
   * @param keyHash - by which it is remembered.
   * @throws EventsApiProblem 429
   */
  take(keyHash: string): void
  /** The key was found, or not. */
  found(keyHash: string, isKnown: boolean): void
  /**
   * Takes one of the places of those that wait.
   *
   * @returns what gives it back.
   * @throws EventsApiProblem 429, 503
   */
  wait(keyHash: string): () => void
  /** How many wait. */
  readonly waiting: number
}

/** What {@link createRequestLimits} works with. */
export interface RequestLimitsParts {
  readonly rateLimit: RateLimit
  /** Of keys that are not known here, all together: each costs a look at the database. */
  readonly invalidKeyLimit: RateLimit
  readonly maxWaiting: number
  readonly maxWaitingPerKey: number
  readonly clock: Pick<Clock, 'now'>
}

/** Tokens that come back one by one. */
interface Bucket {
  tokens: number
  at: number
}

const MAX_REMEMBERED = 10_000
const WAIT_AGAIN_SECONDS = 1

/** Creates limits of which nothing is used yet. */
export function createRequestLimits(parts: RequestLimitsParts): RequestLimits {
  const { rateLimit, invalidKeyLimit, maxWaiting, maxWaitingPerKey, clock } = parts
  const buckets = new Map<string, Bucket>()
  const known = new Set<string>()
  const waiting = new Map<string, number>()
  const unknown: Bucket = { tokens: invalidKeyLimit.limit, at: clock.now() }
  let allWaiting = 0

  function bucketOf(keyHash: string, now: number): Bucket {
    const bucket = buckets.get(keyHash) ?? { tokens: rateLimit.limit, at: now }
    // The one that was used longest ago is forgotten first; it is full again by then.
    buckets.delete(keyHash)
    buckets.set(keyHash, bucket)
    forgetOldest(buckets)
    return bucket
  }

  return {
    take(keyHash) {
      const now = clock.now()
      if (known.has(keyHash)) {
        const seconds = takeToken(bucketOf(keyHash, now), rateLimit, now)
        if (seconds === 0) return
        const { limit, perSeconds } = rateLimit
        const detail = `This key has made more than ${limit} requests in ${perSeconds} seconds; ask again in ${seconds}.`
        throw tooManyRequests('too_many_requests', detail, seconds)
      }
      const seconds = takeToken(unknown, invalidKeyLimit, now)
      if (seconds === 0) return
      const detail = `Too many requests came with keys that are not valid; ask again in ${seconds} seconds.`
      throw tooManyRequests('too_many_invalid_keys', detail, seconds)
    },
    found(keyHash, isKnown) {
      if (!isKnown) {
        known.delete(keyHash)
        buckets.delete(keyHash)
        return
      }
      // It was no guess.
      if (!known.has(keyHash)) unknown.tokens = Math.min(invalidKeyLimit.limit, unknown.tokens + 1)
      known.delete(keyHash)
      known.add(keyHash)
      forgetOldest(known)
    },
    wait(keyHash) {
      const ofKey = waiting.get(keyHash) ?? 0
      if (ofKey >= maxWaitingPerKey) {
        const detail = `${ofKey} requests of this key wait already, as many as may; ask again once one has ended, or without wait.`
        throw tooManyRequests('too_many_waiting', detail, WAIT_AGAIN_SECONDS)
      }
      if (allWaiting >= maxWaiting) {
        const detail = 'Too many requests wait here already; ask again later, or without wait.'
        throw unavailable('too_many_waiting', detail, WAIT_AGAIN_SECONDS)
      }
      waiting.set(keyHash, ofKey + 1)
      allWaiting += 1
      return () => {
        allWaiting -= 1
        const left = (waiting.get(keyHash) ?? 1) - 1
        if (left > 0) waiting.set(keyHash, left)
        else waiting.delete(keyHash)
      }
    },
    get waiting() {
      return allWaiting
    },
  }
}

/** @returns 0 for a token that was taken; otherwise the seconds until there is one. */
function takeToken(bucket: Bucket, { limit, perSeconds }: RateLimit, now: number): number {
  const everyMs = (perSeconds * 1_000) / limit
  // Nothing comes back where the clock was set back.
  bucket.tokens = Math.min(limit, bucket.tokens + Math.max(0, now - bucket.at) / everyMs)
  bucket.at = now
  if (bucket.tokens < 1) return Math.max(1, Math.ceil(((1 - bucket.tokens) * everyMs) / 1_000))
  bucket.tokens -= 1
  return 0
}

function forgetOldest(all: Map<string, unknown> | Set<string>): void {
  if (all.size <= MAX_REMEMBERED) return
  const [oldest] = all.keys()
  if (oldest !== undefined) all.delete(oldest)
}
