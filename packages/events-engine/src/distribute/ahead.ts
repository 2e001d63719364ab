import { ownTransaction } from '../sql/transact.ts'
import type { EventPage, Position, PositionedEvent } from '../store/position.ts'
import type { AheadEvent, AheadHost, IAheadSubscriber } from './ahead-subscriber.ts'
import { createPageWork } from './batches.ts'
import { assertLease, callSubscriber, endsWork, isLeaseLost } from './call.ts'
import {
  callSettingsOf,
  type DistributorRuntime,
  idleMsOf,
  type LeasedSubscription,
  type LeasedWork,
} from './runtime.ts'
import { type Mark, StoredPlace } from './stored-place.ts'
import type { Subscription } from './subscription.ts'

/** Unsettled events at most. */
const MAX_UNSETTLED = 600
/** Nothing more is read once the data of unsettled events has so many characters. */
const MAX_UNSETTLED_SIZE = 16 * 1024 * 1024
/** Events after the stored position at most: about so many are handled again after a crash. */
const MAX_AHEAD = 2_000
const SAVE_EVERY_MS = 250
const PASSED_SAVE_MS = 1_000
const IDLE_WAIT_MS = 60_000
const FULL_WAIT_MS = 50
const READ_AGAIN_MS = 250

interface WindowEvent extends AheadEvent {
  /** The place behind it. */
  readonly behind: Mark
  readonly size: number
  settled: boolean
}

const sizeOf = (events: readonly WindowEvent[]) => events.reduce((sum, { size }) => sum + size, 0)

/** The way of one run: where it ended, and how many events from there on have to be handled in batches. */
interface RunEnd {
  readonly position: Position
  readonly inBatches: number
}

/**
 * Reads on while earlier events are unsettled. The stored position is the newest before which all is settled. What a batch
 * has to decide (a failure that counts, an event that cannot be handled ahead) is done in batches, until that is passed.
 */
export function createAheadWork<DB>(
  subscription: Subscription<DB>,
  subscriber: IAheadSubscriber<DB>,
  runtime: DistributorRuntime<DB>,
): LeasedWork {
  const { db, store, wake, logger, observer, leaseMs, stopTimeoutMs } = runtime
  const { name, batchSize } = subscription
  const pages = createPageWork(subscription, subscriber, runtime)
  const settings = callSettingsOf(subscription, runtime)
  const lasting = { leaseMs, idleMs: idleMsOf(subscription) }

  return async function handleAhead(leasedSubscription: LeasedSubscription): Promise<void> {
    const { fence, lease, signal, goOn, pause } = leasedSubscription
    /**
     * Whether effects of what is read from here on may be stored already. Until the end of the log is read: what commits late
     * may come before what was handled, so counting the events would tell nothing. The former holder had read no further than
     * to the end that it saw, and of that everything is visible here.
     */
    let mayRepeat = lease.ahead > 0
    let aheadStored = lease.ahead

    async function handleInBatches(start: RunEnd, failedBefore: number): Promise<RunEnd | undefined> {
      let { position } = start
      let left = start.inBatches
      let failed = failedBefore
      let saved = position
      while (left > 0) {
        if (!goOn()) return undefined
        const page = await store.readAfter(position, Math.min(batchSize, left))
        const wanted = pages.wanted(page.events, position)
        const leased = {
          signal,
          goOn,
          pause,
          mayRepeat,
          fenceHere: async () => ({ ...fence, at: [saved] }),
          moved: (to: Position) => {
            saved = to
          },
        }
        if (wanted.length > 0) {
          if (!(await pages.handlePage(leased, wanted, page.position, failed))) return undefined
          failed = 0
        }
        position = page.position
        left -= page.events.length
        mayRepeat &&= page.more
        // Events that were read before may have left the log.
        if (page.events.length === 0 && !page.more) break
      }
      if (saved !== position) assertLease(name, await store.savePosition(fence, position))
      return { position, inBatches: 0 }
    }

    async function readAhead(start: Position): Promise<RunEnd | undefined> {
      let window: WindowEvent[] = []
      let unsettled = 0
      let unsettledSize = 0
      /** Behind everything that is read; behind everything that is settled. */
      let readTo: Mark = { position: start, count: 0 }
      let reached = readTo
      const stored = new StoredPlace(readTo, aheadStored)
      let failure: { readonly error: unknown } | undefined
      let recording: Promise<unknown> = Promise.resolve()
      let saveTimer: NodeJS.Timeout | undefined
      /** Events at the end of what is read, not taken, which have to be handled in batches. */
      let inBatches = 0
      let whenSettled = () => {}

      function fail(error: unknown): void {
        failure ??= { error }
        clearTimeout(saveTimer)
        // At once: its reading may wait for what is not recorded any more.
        handler.abandon()
        wake.poke()
        whenSettled()
      }

      function settled(events: Iterable<WindowEvent>): void {
        for (const one of events) {
          if (one.settled) continue
          one.settled = true
          unsettled -= 1
          unsettledSize -= one.size
        }
        let done = 0
        while (window[done]?.settled) done++
        if (done > 0) {
          reached = window.length === done ? readTo : (window[done - 1] as WindowEvent).behind
          window = window.slice(done)
        }
        if (stored.mark.position !== reached.position) saveWithin(SAVE_EVERY_MS)
        whenSettled()
      }

      function saveWithin(ms: number): void {
        saveTimer ??= setTimeout(() => {
          saveTimer = undefined
          save().catch((error: unknown) => {
            if (!endsWork(error)) return fail(error)
            logger.warn({ err: error, subscription: name }, 'A position could not be saved; trying again')
            saveWithin(PASSED_SAVE_MS)
          })
        }, ms)
      }

      /** Where the subscription stands once these are settled, too. */
      function reachedWith(events: ReadonlySet<AheadEvent>): Mark {
        const first = window.findIndex((one) => !one.settled && !events.has(one))
        return first === -1 ? readTo : (window[first - 1]?.behind ?? reached)
      }

      /**
       * How many events after a place may have effects that are stored: of what is read, even those that are not settled, since
       * some of their effects may be.
       */
      const aheadOf = ({ count }: Mark) => readTo.count - count + (mayRepeat ? 1 : 0)

      /** One after the other: a save that arrives late would put the position back. */
      function inTurn(work: () => Promise<void>): Promise<void> {
        const turn = recording.then(work)
        recording = turn.catch(() => {})
        return turn
      }

      function noteStored(mark: Mark, ahead: number): void {
        stored.end(mark, ahead)
        if (mark.position !== reached.position) return
        clearTimeout(saveTimer)
        saveTimer = undefined
        whenSettled()
      }

      /** @param isLast - then it also says that nothing is ahead any more. */
      function save(isLast = false): Promise<void> {
        return inTurn(async () => {
          const mark = reached
          const ahead = aheadOf(mark)
          const isSame = stored.mark.position === mark.position && (!isLast || stored.ahead === ahead)
          if (failure || isSame) return
          const fenceHere = stored.fenced(fence)
          stored.begin(mark, ahead)
          assertLease(name, await store.savePosition(fenceHere, mark.position, undefined, ahead))
          noteStored(mark, ahead)
        })
      }

      const host: AheadHost<DB> = {
        save: () => save(),
        fail,
        record: (events, write, writeAtOnce) =>
          inTurn(async () => {
            if (failure) throw failure.error
            assertLease(name, runtime.leases.isHeld(fence))
            const mark = reachedWith(new Set(events))
            const isFar = mark.count - stored.mark.count >= MAX_AHEAD / 2
            const isDue = mark.position !== stored.mark.position && (isFar || stored.ageMs >= SAVE_EVERY_MS)
            // Once it is set it stays so until a save, so that the position need not be written by each record.
            const ahead = Math.max(aheadOf(mark), stored.ahead > 0 || !isDue ? 1 : 0)
            const moved = isDue || stored.ahead === 0 ? { position: mark.position, ahead } : undefined
            if (moved) stored.begin(mark, ahead)
            const atOnce = await writeAtOnce?.(store.fencePart(fence, moved))
            assertLease(name, atOnce !== 'lease_lost')
            if (atOnce !== 'committed') {
              await ownTransaction(db, async (trx) => {
                // First of all the fence: it waits for a transaction of ours that seemed to fail, too.
                assertLease(name, await store.fenceIn(trx.withoutPlugins(), fence, moved, lasting))
                await write(trx)
              })
            }
            settled(events as readonly WindowEvent[])
            if (moved) noteStored(mark, ahead)
            const handled = events.map(({ event }) => event)
            observer.handled(name, handled)
          }),
      }
      const handler = subscriber.handleAhead(host)

      /** @returns false when that took too long. */
      async function allSettled(timeoutMs: number): Promise<boolean> {
        const deadline = performance.now() + timeoutMs
        while (unsettled > 0 && !failure && performance.now() < deadline) {
          await someSettled(Math.min(FULL_WAIT_MS, timeoutMs))
        }
        return unsettled === 0
      }

      async function take(events: readonly PositionedEvent[], after: Mark): Promise<boolean> {
        const before = readTo
        const taken = events.map(({ event, position, size }, index): WindowEvent => {
          const one: WindowEvent = {
            event,
            size,
            behind: index === events.length - 1 ? after : { position, count: before.count + index + 1 },
            settled: false,
            settle: () => settled([one]),
          }
          return one
        })
        let isTaken = false
        window.push(...taken)
        unsettled += taken.length
        unsettledSize += sizeOf(taken)
        readTo = after
        try {
          await callSubscriber(
            async (context) => {
              isTaken = await handler.read(taken, { ...context, mayRepeat })
            },
            { events: events.map(({ event }) => event), attempt: 1 },
            settings,
            signal,
          )
        } finally {
          if (!isTaken) {
            window = window.filter((one) => !taken.includes(one))
            unsettled -= taken.length
            unsettledSize -= sizeOf(taken)
            readTo = before
          }
        }
        return isTaken
      }

      try {
        while (goOn()) {
          if (failure) throw failure.error
          if (inBatches > 0) {
            if (unsettled > 0) {
              await someSettled(FULL_WAIT_MS)
              continue
            }
            reached = readTo
            await save()
            return { position: readTo.position, inBatches }
          }
          const ahead = readTo.count - stored.mark.count
          const isFarAhead = ahead >= MAX_AHEAD
          if (isFarAhead && stored.mark.position !== reached.position) saveWithin(0)
          if (isFarAhead || unsettled >= MAX_UNSETTLED || unsettledSize >= MAX_UNSETTLED_SIZE) {
            await someSettled(FULL_WAIT_MS)
            continue
          }
          const seen = wake.version
          const room = Math.min(MAX_UNSETTLED - unsettled, MAX_AHEAD - ahead, batchSize)
          let page: EventPage
          try {
            page = await store.readAfter(readTo.position, room)
          } catch (error) {
            if (!endsWork(error)) throw error
            // What is under way goes on, and is recorded once the database can be reached again.
            logger.warn({ err: error, subscription: name }, 'The log could not be read; trying again')
            await pause(READ_AGAIN_MS)
            continue
          }
          const wanted = pages.wanted(page.events)
          const behind = { position: page.position, count: readTo.count + page.events.length }
          if (wanted.length === 0) {
            pass(behind)
          } else if (!(await take(wanted, behind))) {
            inBatches = page.events.length
            continue
          }
          mayRepeat &&= page.more
          if (!page.more) await wake.wait(seen, IDLE_WAIT_MS, signal)
        }
        if (failure) throw failure.error
        handler.close()
        if (!(await allSettled(stopTimeoutMs))) {
          logger.info({ subscription: name, unsettled }, 'Events under way are left to be handled again')
        }
        if (!failure) await save(true)
        return undefined
      } catch (error) {
        handler.abandon()
        await recording
        // Who holds the lease next goes on at the stored position.
        if (isLeaseLost(error) || endsWork(error) || signal.aborted) throw error
        logger.warn(
          { err: error, subscription: name },
          'Events are handled in batches, since one was refused',
        )
        mayRepeat = true
        return { position: stored.mark.position, inBatches: Math.max(1, readTo.count - stored.mark.count) }
      } finally {
        aheadStored = stored.ahead
        clearTimeout(saveTimer)
        handler.abandon()
      }

      /** Unwanted events, which are cheap to read again. */
      function pass(behind: Mark): void {
        readTo = behind
        if (window.length > 0) return
        reached = behind
        if (stored.mark.position !== reached.position) saveWithin(PASSED_SAVE_MS)
      }

      async function someSettled(timeoutMs: number): Promise<void> {
        const { promise, resolve } = Promise.withResolvers<void>()
        whenSettled = resolve
        const timer = setTimeout(resolve, timeoutMs)
        await promise
        clearTimeout(timer)
      }
    }

    let next: RunEnd | undefined = {
      position: lease.position,
      inBatches: lease.failedAttempts > 0 ? 1 : 0,
    }
    let failedBefore = lease.failedAttempts
    while (next) {
      if (next.inBatches > 0) next = await handleInBatches(next, failedBefore)
      failedBefore = 0
      if (next) next = await readAhead(next.position)
    }
  }
}
