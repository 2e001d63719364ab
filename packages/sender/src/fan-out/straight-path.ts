import type { Clock, Logger } from '@x/events-core'
import { EventEngineError } from '@x/events-engine'
import { type AheadEvent, type AheadHandler, type AheadHost, isRefusal } from '@x/events-engine/internal'
import type { Worker } from '../deliver/worker.ts'
import type { DueDelivery, StraightDelivery } from '../deliveries/due-delivery.ts'
import type { MessageTarget, MessageToStore, StoredDelivery } from '../store/messages.ts'
import type { DeliveryStore } from '../store/store.ts'
import { createTurns } from '../turns.ts'
import { createBatchWrite, type Leg, type Passage } from './batch-write.ts'
import { dueDelivery, type FannedOutEvent, type FanOut } from './fan-out.ts'

/** What {@link createStraightPath} works with. */
export interface StraightPathParts {
  readonly store: DeliveryStore
  readonly worker: Worker
  readonly fanOut: FanOut
  readonly clock: Clock
  readonly logger: Logger
  /** Called after a commit that has counted attempts. */
  counted(): void
  /** False where each attempt has to be allowed by the host first. */
  readonly mayGoStraight: boolean
  /** Called with endpoints that have got numbered messages, once those are committed. */
  numbered(endpointKeys: ReadonlySet<number>): void
}

/** Sends what can be sent at once straight from the log. */
export interface StraightPath<DB> {
  /** Whether something is neither recorded nor stored. */
  readonly busy: boolean
  /** Saves the position of what is. */
  save(): Promise<void>
  handleAhead(host: AheadHost<DB>): AheadHandler
}

/**
 * What has no response for so many looks is stored, after about 250 ms, and what has not begun for twice as many. Looks are
 * counted instead of time, since responses wait as well where this process gets no CPU.
 */
const LATE_LOOKS = 5
const LOOK_MS = 50
const MAX_DELAY_MS = 20
const MAX_BATCH = 500
const FULL_BATCH = 400
const RETRY_MS = 250
const MAX_BYTES = 16 * 1024 * 1024

/** Creates the straight path of a sender. */
export function createStraightPath<DB>(parts: StraightPathParts): StraightPath<DB> {
  const { store, worker, fanOut, clock, logger, counted, mayGoStraight, numbered } = parts
  let lastKey = 0
  let current: { readonly busy: boolean; save(): Promise<void> } | undefined

  /** Whether a delivery needs no more than its event to be made of, and comes after no other. */
  function isOwn({ variant, headers }: MessageToStore, target: MessageTarget): boolean {
    if (variant !== null || headers !== null || target.isSequenced) return false
    return target.orderingKey === null && target.dueOn <= clock.now()
  }

  function handleAhead(host: AheadHost<DB>): AheadHandler {
    /** Sent, or waiting to be; in the order of the log. */
    const straight = new Set<Leg>()
    let queue: Leg[] = []
    let bytes = 0
    let writing: Promise<void> | undefined
    let timer: NodeJS.Timeout | undefined
    let soon: NodeJS.Immediate | undefined
    let lateTimer: NodeJS.Timeout | undefined
    let hasUrgent = false
    let closing = false
    let over = false
    /** Whether a transaction has failed, and may have been committed all the same. */
    let isUnclear = false
    let whenSmaller = () => {}

    /** @param isUrgent - whether its delivery begins once it is stored. */
    function enqueue(leg: Leg, isUrgent: boolean): void {
      if (leg.isQueued || over) return
      leg.isQueued = true
      queue.push(leg)
      hasUrgent ||= isUrgent
      flushInTime()
    }

    /** The more is under way, the more shares a commit. */
    function flushInTime(): void {
      if (queue.length >= FULL_BATCH) flush()
      else if (hasUrgent || worker.inFlight === 0) soon ??= setImmediate(flush)
      else timer ??= setTimeout(flush, MAX_DELAY_MS)
    }

    function flush(): void {
      clearTimeout(timer)
      clearImmediate(soon)
      timer = undefined
      soon = undefined
      if (over) return
      writing ??= write().finally(() => {
        writing = undefined
        if (queue.length > 0 && !over) flushInTime()
      })
    }

    async function write(): Promise<void> {
      while (!over) {
        const batch = queue.slice(0, MAX_BATCH)
        try {
          await record(batch)
          queue = queue.slice(batch.length)
          hasUrgent &&= queue.some(({ delivery }) => !delivery)
          isUnclear = false
          return
        } catch (error) {
          if (over) return
          if (EventEngineError.is(error) || isRefusal(error)) {
            host.fail(error)
            return
          }
          isUnclear = true
          logger.warn({ err: error, waiting: queue.length }, 'Deliveries could not be recorded; trying again')
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
        }
      }
    }

    /** Records what has succeeded, and stores the rest as pending, in the transaction that moves the position. */
    async function record(batch: readonly Leg[]): Promise<void> {
      const left = new Map<Passage, number>()
      for (const { passage } of batch) left.set(passage, (left.get(passage) ?? passage.open) - 1)
      const settled = [...left].flatMap(([{ ahead }, open]) => (open === 0 ? [ahead] : []))
      // A COMMIT whose response is late, or lost, must not let the worker read and send what is under way here.
      for (const leg of batch) {
        if (leg.isPlain && leg.result) continue
        leg.release ??= worker.holdBack(leg.target.endpointKey, leg.message.eventId)
      }

      const { inTransaction, atOnce, stored } = createBatchWrite(batch, { store, clock, isUnclear })
      await host.record(settled, inTransaction, atOnce)
      for (const passage of left.keys()) passage.open = left.get(passage) as number
      counted()
      settle(batch, stored)
    }

    /** All of it is committed. */
    function settle(batch: readonly Leg[], keys: ReadonlyMap<Leg, StoredDelivery>): void {
      const fresh: DueDelivery[] = []
      const withNumbers = new Set<number>()
      for (const leg of batch) {
        straight.delete(leg)
        bytes -= leg.message.body.length
        const stored = keys.get(leg)
        const { delivery } = leg
        if (stored?.link) withNumbers.add(leg.target.endpointKey)
        if (!delivery) {
          if (stored && !leg.target.isPull) fresh.push(dueDelivery(leg.message, leg.target, stored, leg.body))
        } else if (!stored) {
          delivery.straight = undefined
          worker.endStraight(delivery)
        } else worker.storedStraight(delivery, stored.messageKey, leg.result)
      }
      if (fresh.length > 0) worker.stored(fresh)
      if (withNumbers.size > 0) numbered(withNumbers)
      for (const { release } of batch) release?.()
      whenSmaller()
    }

    function lookForLate(): void {
      lateTimer = undefined
      for (const leg of straight) {
        const hasBegun = leg.delivery?.straight?.hasBegun ?? true
        if (hasBegun !== leg.hasBegun) leg.looks = 0
        leg.hasBegun = hasBegun
        leg.looks += 1
        if (leg.looks > (hasBegun ? LATE_LOOKS : 2 * LATE_LOOKS) || (closing && !hasBegun))
          enqueue(leg, false)
      }
      if (straight.size > 0 && !over) lateTimer = setTimeout(lookForLate, LOOK_MS)
    }

    /** In one statement for all of them; a failure leaves them to those who find their deliveries stored. */
    async function leaseFor(fannedOut: readonly FannedOutEvent[]): Promise<void> {
      const endpoints = new Set<number>()
      for (const { messages } of fannedOut) {
        for (const message of messages) {
          for (const target of message.targets) if (isOwn(message, target)) endpoints.add(target.endpointKey)
        }
      }
      await worker.leaseIdle(endpoints).catch((error: unknown) => {
        logger.debug({ err: error }, 'Idle endpoints could not be leased')
      })
    }

    function sendStraight(leg: Omit<Leg, 'delivery'>): Leg | undefined {
      const { message, body, target } = leg
      if (!mayGoStraight || closing || !isOwn(message, target)) return undefined
      lastKey -= 1
      const delivery: StraightDelivery = {
        ...dueDelivery(message, target, { messageKey: lastKey, link: null }, body),
        epoch: 0,
        straight: {
          hasBegun: false,
          ended(result, isPlain) {
            if (over) {
              worker.endStraight(delivery)
              return
            }
            own.result = result
            own.isPlain = isPlain
            enqueue(own, false)
          },
        },
      }
      const own: Leg = { ...leg, delivery }
      return worker.takeStraight(delivery) ? own : undefined
    }

    function pass(ahead: AheadEvent, { revision, messages }: FannedOutEvent): void {
      const open = messages.reduce((sum, { targets }) => sum + targets.length, 0)
      if (open === 0) {
        ahead.settle()
        return
      }
      const passage: Passage = { ahead, revision, open }
      for (const message of messages) {
        const body = Buffer.from(message.body)
        for (const target of message.targets) {
          const leg = {
            passage,
            message,
            body,
            target,
            looks: 0,
            hasBegun: false,
            result: undefined,
            isPlain: false,
            isQueued: false,
            release: undefined,
          }
          const sent = sendStraight(leg)
          bytes += message.body.length
          if (sent) straight.add(sent)
          else enqueue({ ...leg, delivery: undefined }, true)
        }
      }
    }

    const life = {
      get busy() {
        return straight.size > 0 || queue.length > 0 || writing !== undefined
      },
      save: host.save,
    }
    current = life

    return {
      async read(events, { mayRepeat }) {
        while (bytes > MAX_BYTES && !over) {
          await new Promise<void>((resolve) => {
            whenSmaller = resolve
          })
        }
        let fannedOut: readonly FannedOutEvent[]
        try {
          fannedOut = await fanOut.plan(
            events.map(({ event }) => event),
            { mayRepeat },
          )
        } catch (error) {
          // A batch decides what becomes of an event that no message can be made of.
          logger.debug({ err: error }, 'Events are fanned out in a batch')
          return false
        }
        if (mayGoStraight && !closing) await leaseFor(fannedOut)
        if (over) return true
        const endLongTurn = createTurns()
        for (const [index, ahead] of events.entries()) {
          const turn = endLongTurn()
          if (turn) {
            worker.beginStraight()
            await turn
            if (over) return true
          }
          pass(ahead, fannedOut[index] as FannedOutEvent)
        }
        worker.beginStraight()
        lateTimer ??= setTimeout(lookForLate, LOOK_MS)
        return true
      },
      close() {
        closing = true
        for (const { delivery } of straight) {
          if (delivery?.straight?.hasBegun === false) worker.dropStraight(delivery)
        }
        clearTimeout(lateTimer)
        lookForLate()
      },
      abandon() {
        if (over) return
        over = true
        clearTimeout(timer)
        clearTimeout(lateTimer)
        clearImmediate(soon)
        for (const { delivery, result } of straight) {
          if (!delivery) continue
          if (delivery.straight?.hasBegun === false) worker.dropStraight(delivery)
          else if (result) worker.endStraight(delivery)
        }
        for (const { release } of [...queue, ...straight]) release?.()
        straight.clear()
        queue = []
        whenSmaller()
        if (current === life) current = undefined
      },
    }
  }

  return {
    get busy() {
      return current?.busy ?? false
    },
    async save() {
      await current?.save()
    },
    handleAhead,
  }
}
