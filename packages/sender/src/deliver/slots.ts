import type { Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import { createFairShare } from '../fair-share.ts'
import type { PostUnderWay } from '../http/post.ts'
import type { AttemptKind } from './leased-endpoint.ts'

/** The in-flight slots of this process: how many requests there may be, and for how long. */
export interface Slots {
  /** Requests in flight. */
  readonly inFlight: number
  /** Whether no tenant has room for more, except for what people have asked for. */
  readonly full: boolean
  /**
   * Whether another request of the tenant may begin. Retries leave some slots to first attempts; what people have asked
   * for beyond an endpoint's limits has slots of its own.
   */
  hasRoom(tenantId: number, kind: AttemptKind): boolean
  begin(post: PostUnderWay, tenantId: number, kind: AttemptKind): void
  end(post: PostUnderWay): void
  start(): void
  stop(): void
  /** Resolves when none is in flight, or when the time is over. */
  settled(timeoutMs: number): Promise<void>
}

/** What {@link createSlots} needs. */
export interface SlotsParts {
  readonly maxInFlight: number
  readonly timeoutMs: number
  readonly logger: Logger
  /** Called when slow requests have given back their slots. */
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
const SHORTEST_SWEEP_MS = 5
const LONGEST_SWEEP_MS = 250

/**
 * Counts requests, and ends those that take too long; one timer for all of them. A request that has waited long for its
 * response gives its slot back and keeps its socket. Tenants share slots and sockets, so that one whose consumers hang
 * delays its own requests only.
 */
export function createSlots({ maxInFlight, timeoutMs, logger, roomMade }: SlotsParts): Slots {
  // In the order of their beginnings, so that a sweep can end at the first young one.
  const entries = new Map<PostUnderWay, Entry>()
  const timeout = {
    code: 'timeout',
    message: `The response was not complete after ${timeoutMs} ms.`,
    attribution: 'endpoint',
  } as const
  const youngMs = Math.min(timeoutMs, SLOW_MS)
  const maxRetries = maxInFlight - Math.floor(maxInFlight * KEPT_FOR_FIRST)
  const inTurn = { slots: createFairShare(maxInFlight), sockets: createFairShare(maxInFlight * SLOW_FACTOR) }
  const extra = { slots: createFairShare(MAX_EXTRAS), sockets: createFairShare(MAX_EXTRAS * SLOW_FACTOR) }
  const sharesOf = { first: inTurn, retry: inTurn, extra }
  const retries = createFairShare(maxRetries)
  let whenSettled: (() => void) | undefined

  function giveSlotBack({ tenantId, kind }: Entry): void {
    sharesOf[kind].slots.release(tenantId)
    if (kind === 'retry') retries.release(tenantId)
  }

  const sweeping = createPeriodic({
    async run() {
      const now = performance.now()
      let hasMadeRoom = false
      for (const [post, entry] of entries) {
        const age = now - entry.startedAt
        if (age < youngMs) break
        if (age >= timeoutMs) {
          post.giveUp(timeout)
        } else if (!entry.slow) {
          entry.slow = true
          giveSlotBack(entry)
          hasMadeRoom = true
        }
      }
      if (hasMadeRoom) roomMade()
    },
    failed: (error) => logger.error({ err: error }, 'Slow requests could not be ended'),
    everyMs: Math.max(SHORTEST_SWEEP_MS, Math.min(LONGEST_SWEEP_MS, timeoutMs / 10)),
  })

  return {
    get inFlight() {
      return entries.size
    },
    get full() {
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
    start: sweeping.start,
    stop: () => void sweeping.stop(),
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
