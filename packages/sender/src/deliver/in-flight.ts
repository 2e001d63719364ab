import { createFairShare } from '../fair-share.ts'
import type { PostUnderWay } from '../http/post.ts'

/** A first attempt or a retry, in its turn; or one beyond the endpoint's limits, because a person has asked for it. */
export type AttemptKind = 'first' | 'retry' | 'extra'

/** The requests of this process that are under way: how many there may be, and for how long. */
export interface InFlight {
  readonly size: number
  /** Whether no tenant's can begin, but for what people have asked for. */
  readonly isFull: boolean
  /**
   * Whether another of the tenant may begin. Retries leave some slots to first attempts; what people have asked for
   * beyond an endpoint's limits has slots of its own.
   */
  hasRoom(tenantId: number, kind: AttemptKind): boolean
  begin(post: PostUnderWay, tenantId: number, kind: AttemptKind): void
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
  readonly tenantId: number
  readonly kind: AttemptKind
  slow: boolean
}

const SLOW_MS = 1_000
const SLOW_FACTOR = 8
const KEPT_FOR_FIRST = 0.25
const MAX_EXTRAS = 32
const LONGEST_SWEEP_MS = 250

/**
 * Counts requests, and ends those that take too long; one timer for all of them. A request that waits for its
 * response for long gives its slot back and keeps its socket. Tenants share slots and sockets, so that one whose
 * consumers hang delays its own requests only.
 */
export function createInFlight({ maxInFlight, timeoutMs, roomMade }: InFlightParts): InFlight {
  // In the order of their beginnings, so that a sweep can end at the first young one.
  const entries = new Map<PostUnderWay, Entry>()
  const timeout = {
    code: 'timeout',
    message: `The answer was not complete after ${timeoutMs} ms.`,
    attribution: 'endpoint',
  } as const
  const youngMs = Math.min(timeoutMs, SLOW_MS)
  const maxRetries = maxInFlight - Math.floor(maxInFlight * KEPT_FOR_FIRST)
  const inTurn = { slots: createFairShare(maxInFlight), sockets: createFairShare(maxInFlight * SLOW_FACTOR) }
  const extra = { slots: createFairShare(MAX_EXTRAS), sockets: createFairShare(MAX_EXTRAS * SLOW_FACTOR) }
  const sharesOf = { first: inTurn, retry: inTurn, extra }
  const retries = createFairShare(maxRetries)
  let timer: NodeJS.Timeout | undefined
  let whenSettled: (() => void) | undefined

  function giveSlotBack({ tenantId, kind }: Entry): void {
    sharesOf[kind].slots.release(tenantId)
    if (kind === 'retry') retries.release(tenantId)
  }

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
        giveSlotBack(entry)
        found += 1
      }
    }
    if (found > 0) roomMade()
  }

  return {
    get size() {
      return entries.size
    },
    get isFull() {
      return inTurn.slots.used >= maxInFlight || inTurn.sockets.used >= maxInFlight * SLOW_FACTOR
    },
    hasRoom(tenantId, kind) {
      const { slots, sockets } = sharesOf[kind]
      const hasSlot = slots.hasRoom(tenantId) && sockets.hasRoom(tenantId)
      return hasSlot && (kind !== 'retry' || retries.hasRoom(tenantId))
    },
    begin(post, tenantId, kind) {
      entries.set(post, { startedAt: performance.now(), tenantId, kind, slow: false })
      const { slots, sockets } = sharesOf[kind]
      slots.take(tenantId)
      sockets.take(tenantId)
      if (kind === 'retry') retries.take(tenantId)
    },
    end(post) {
      const entry = entries.get(post)
      if (!entry) return
      entries.delete(post)
      sharesOf[entry.kind].sockets.release(entry.tenantId)
      if (!entry.slow) giveSlotBack(entry)
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
