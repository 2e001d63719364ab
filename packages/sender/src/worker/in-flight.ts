import type { PostUnderWay } from '../network/post.ts'

/** A first attempt or a retry, in its turn; or one beyond the endpoint's limits, because a person has asked for it. */
export type AttemptKind = 'first' | 'retry' | 'extra'

/** The requests of this process that are under way: how many there may be, and for how long. */
export interface InFlight {
  readonly size: number
  /**
   * Whether another may begin. For retries some places are not open, which first attempts keep; what people have asked
   * for beyond an endpoint's limits has some of its own.
   */
  hasRoom(kind: AttemptKind): boolean
  begin(post: PostUnderWay, kind: AttemptKind): void
  end(post: PostUnderWay): void
  start(): void
  stop(): void
  /** Resolves when none is under way, or when the time is over. */
  settled(timeoutMs: number): Promise<void>
}

/** What {@link createInFlight} works with. */
export interface InFlightParts {
  readonly maxInFlight: number
  readonly timeoutMs: number
  /** Called when there is room again because some have turned out to be slow. */
  roomMade(): void
}

interface Entry {
  readonly startedAt: number
  readonly kind: AttemptKind
  slow: boolean
}

const SLOW_MS = 1_000
const SLOW_FACTOR = 8
const KEPT_FOR_FIRST = 0.25
const MAX_EXTRAS = 32
const LONGEST_SWEEP_MS = 250

/**
 * Counts requests, and ends those that take too long; one timer for all of them. Those that wait for
 * an answer for long are not counted any more, so that consumers that hang cannot take all the room.
 */
export function createInFlight({ maxInFlight, timeoutMs, roomMade }: InFlightParts): InFlight {
  // In the order of their beginnings, so that a sweep can end at the first young one.
  const entries = new Map<PostUnderWay, Entry>()
  const timeout = {
    code: 'timeout',
    message: `The answer was not complete after ${timeoutMs} ms.`,
    blame: 'theirs',
  } as const
  const youngMs = Math.min(timeoutMs, SLOW_MS)
  const maxRetries = maxInFlight - Math.floor(maxInFlight * KEPT_FOR_FIRST)
  /** Of those that are not slow. */
  const young: Record<AttemptKind, number> = { first: 0, retry: 0, extra: 0 }
  let timer: NodeJS.Timeout | undefined
  let whenSettled: (() => void) | undefined

  function sweep(): void {
    const now = performance.now()
    let found = 0
    for (const [post, entry] of entries) {
      const age = now - entry.startedAt
      if (age < youngMs) break
      if (age >= timeoutMs) {
        post.giveUp(timeout)
      } else if (!entry.slow) {
        entry.slow = true
        young[entry.kind] -= 1
        found += 1
      }
    }
    if (found > 0) roomMade()
  }

  return {
    get size() {
      return entries.size
    },
    hasRoom(kind) {
      if (kind === 'extra') {
        return young.extra < MAX_EXTRAS && entries.size < (maxInFlight + MAX_EXTRAS) * SLOW_FACTOR
      }
      return (
        young.first + young.retry < maxInFlight &&
        entries.size < maxInFlight * SLOW_FACTOR &&
        !(kind === 'retry' && young.retry >= maxRetries)
      )
    },
    begin(post, kind) {
      entries.set(post, { startedAt: performance.now(), kind, slow: false })
      young[kind] += 1
    },
    end(post) {
      const entry = entries.get(post)
      if (entry && !entry.slow) young[entry.kind] -= 1
      entries.delete(post)
      if (entries.size === 0) whenSettled?.()
    },
    start() {
      timer = setInterval(sweep, Math.max(5, Math.min(LONGEST_SWEEP_MS, timeoutMs / 10)))
    },
    stop() {
      clearInterval(timer)
    },
    settled(waitMs) {
      if (entries.size === 0) return Promise.resolve()
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(over)
          whenSettled = undefined
          resolve()
        }
        const over = setTimeout(done, waitMs)
        whenSettled = done
      })
    },
  }
}
