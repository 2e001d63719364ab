import { EventsError, type Logger, type SyncEvent } from '@x/events-core'
import type { Transaction } from 'kysely'
import { OWN_LEVEL, transact } from '../sql/transact.ts'
import type { Position, PositionedEvent } from '../store/position.ts'
import type { Fence } from '../store/save-position.ts'
import {
  assertLease,
  type CallSettings,
  callSubscriber,
  createConflicts,
  endsWork,
  Interruption,
  type SubscriberCall,
} from './call.ts'
import { recordFailure } from './failures.ts'
import { createPositionSaver } from './position-saver.ts'
import {
  callSettingsOf,
  type DistributorRuntime,
  idleMsOf,
  type LeasedSubscription,
  type LeasedWork,
} from './runtime.ts'
import type { BatchContext, IBatchEventSubscriber, Subscription } from './subscription.ts'

const IDLE_WAIT_MS = 60_000

/** What handling a page needs of the lease that it happens under. */
export interface LeasedPages extends Pick<LeasedSubscription, 'signal' | 'goOn' | 'pause'> {
  /** A fence with the stored position, as far as this node knows it. */
  fenceHere(): Promise<Fence>
  /** A transaction has moved the stored position. */
  moved(position: Position): void
  /** Whether effects of these events may be stored already. */
  readonly mayRepeat: boolean
}

/** An event that is handled, with the position of the one before it, which may be unwanted. */
export interface WantedEvent extends PositionedEvent {
  /** Undefined for the first of a page where it is not known. */
  readonly before: Position | undefined
}

/** Handles pages in transactions. */
export interface PageWork {
  /**
   * The events that the filter wants, and those for which it threw.
   *
   * @param start - the position before all of them.
   */
  wanted(events: readonly PositionedEvent[], start?: Position): readonly WantedEvent[]
  /**
   * Handles events, and moves the subscription on.
   *
   * @param after - the position behind all of them.
   * @param failedBefore - failed tries of the first.
   * @returns whether the page was handled to its end.
   */
  handlePage(
    leased: LeasedPages,
    wanted: readonly WantedEvent[],
    after: Position,
    failedBefore: number,
  ): Promise<boolean>
}

/**
 * Hands pages to a batch subscriber, each in one transaction with the position. After a failure the
 * same events come one at a time, so that the one that fails is found and the others are handled.
 */
export function createPageWork<DB>(
  subscription: Subscription<DB>,
  subscriber: IBatchEventSubscriber<DB>,
  runtime: DistributorRuntime<DB>,
): PageWork {
  const { db, store, logger, observer, leaseMs } = runtime
  const { name, wants, retry } = subscription
  const settings = callSettingsOf(subscription, runtime)
  const lasting = { leaseMs, idleMs: idleMsOf(subscription) }

  /** Events for which the filter threw. */
  const unclear = new WeakSet<SyncEvent>()

  async function handleTogether(
    { fenceHere, moved, mayRepeat, signal }: LeasedPages,
    positioned: readonly PositionedEvent[],
    after: Position,
    attempt: number,
  ): Promise<void> {
    const events = positioned.map(({ event }) => event)
    const call = { events, attempt }
    // An error of the filter counts as a failed try.
    for (const event of events) if (unclear.has(event)) wants(event)
    await withPrepared(subscriber, { ...call, settings, signal }, async (prepared) => {
      const fence = await fenceHere()
      const committed = createAfterCommit(name, logger)
      let isCalled = false
      const move = async (trx: Transaction<DB>) => {
        // First of all the position: it takes the write lock and finds out whether the lease is still ours,
        // and whether a try before this one was committed although it seemed to fail.
        assertLease(name, await store.savePositionIn(trx.withoutPlugins(), fence, after, lasting))
        isCalled = true
        await callSubscriber(
          (context) =>
            subscriber.entitiesChanged(events, {
              ...context,
              trx,
              prepared,
              afterCommit: committed.add,
              mayRepeat,
            } as BatchContext<DB>),
          call,
          settings,
          signal,
        )
      }
      await transact(db, move, OWN_LEVEL).catch((error: unknown) => {
        throw isCalled || endsWork(error) ? error : new Interruption(error)
      })
      committed.run()
    })
    moved(after)
    observer.handled(name, events)
  }

  /** @returns whether to go on: false when the engine stops or the subscription is blocked. */
  async function handleAlone(
    leased: LeasedPages,
    positioned: WantedEvent,
    failedBefore: number,
  ): Promise<boolean> {
    const { fenceHere, moved, signal } = leased
    const conflicts = createConflicts()
    for (let attempt = failedBefore + 1; leased.goOn(); ) {
      try {
        await handleTogether(leased, [positioned], positioned.position, attempt)
        return true
      } catch (error) {
        if (signal.aborted) return false
        const pauseMs = conflicts.pauseMsAfter(error)
        if (pauseMs !== undefined) {
          await giveWay(error, pauseMs, leased)
          continue
        }
        if (endsWork(error)) throw error
        await moveTo(positioned.before, leased)
        const failed = { event: positioned.event, attempt, error, after: positioned.position, isNext: true }
        const outcome = await recordFailure(subscription, runtime, await fenceHere(), failed)
        if (outcome === 'blocked') return false
        if (outcome !== 'retry') {
          moved(positioned.position)
          return true
        }
      }
      await leased.pause(retry.delayMs(attempt))
      attempt += 1
    }
    return false
  }

  /** Passes over unwanted events before one that has failed: a person who skips it skips the event that is next. */
  async function moveTo(position: Position | undefined, { fenceHere, moved }: LeasedPages): Promise<void> {
    const fence = await fenceHere()
    if (position === undefined || fence.at?.includes(position)) return
    assertLease(name, await store.savePosition(fence, position))
    moved(position)
  }

  async function giveWay(error: unknown, pauseMs: number, leased: LeasedPages): Promise<void> {
    const message = 'A batch had to give way to another transaction; the try does not count'
    logger.info({ err: error, subscription: name }, message)
    await leased.pause(pauseMs)
  }

  /** @returns whether the page was handled to its end. */
  async function handlePage(
    leased: LeasedPages,
    wanted: readonly WantedEvent[],
    after: Position,
    failedBefore: number,
  ): Promise<boolean> {
    // A single event is tried alone at once, so that each of its tries counts.
    const conflicts = createConflicts()
    for (let together = failedBefore === 0 && wanted.length > 1; together; ) {
      try {
        await handleTogether(leased, wanted, after, 1)
        return true
      } catch (error) {
        if (!leased.goOn()) return false
        const pauseMs = conflicts.pauseMsAfter(error)
        if (pauseMs !== undefined) {
          await giveWay(error, pauseMs, leased)
          continue
        }
        if (endsWork(error)) throw error
        observer.failed(name, error)
        logger.warn({ err: error, subscription: name }, 'A batch failed; its events are tried one by one')
        together = false
      }
    }
    let failed = failedBefore
    for (const positioned of wanted) {
      if (!(await handleAlone(leased, positioned, failed))) return false
      failed = 0
    }
    return true
  }

  /** The filter is the host's function: what it throws must not end the reading of the log. */
  function mayWant(event: SyncEvent): boolean {
    try {
      return wants(event)
    } catch {
      unclear.add(event)
      return true
    }
  }

  function wanted(events: readonly PositionedEvent[], start?: Position): readonly WantedEvent[] {
    return events
      .map((positioned, index) => ({ ...positioned, before: events[index - 1]?.position ?? start }))
      .filter(({ event }) => mayWant(event))
  }

  return { wanted, handlePage }
}

/** Handles a subscription page by page. */
export function createBatchWork<DB>(
  subscription: Subscription<DB>,
  subscriber: IBatchEventSubscriber<DB>,
  runtime: DistributorRuntime<DB>,
): LeasedWork {
  const { store, wake } = runtime
  const { wanted, handlePage } = createPageWork(subscription, subscriber, runtime)

  return async function handleInBatches(leased: LeasedSubscription): Promise<void> {
    const { fence, lease, signal, goOn } = leased
    let { position, failedAttempts } = lease
    const lost = new AbortController()
    const saver = createPositionSaver(store, fence, position, (error) => lost.abort(error))
    const fenceHere = async () => ({ ...fence, at: [await saver.settled()] })
    const pages = { ...leased, moved: saver.moved, fenceHere, mayRepeat: false }
    try {
      while (goOn()) {
        lost.signal.throwIfAborted()
        const seen = wake.version
        const page = await store.readAfter(position, subscription.batchSize)
        const events = wanted(page.events, position)
        if (events.length > 0) {
          // The transaction saves the position itself.
          if (!(await handlePage(pages, events, page.position, failedAttempts))) return
          failedAttempts = 0
        }
        position = page.position
        saver.passed(position)
        if (!page.more) await wake.wait(seen, IDLE_WAIT_MS, signal)
      }
      await saver.flush()
    } finally {
      saver.cancel()
    }
  }
}

/** Preparations are not outdated more often than this in a row. */
const MAX_PREPARATIONS = 5

/** The call that prepares a batch, and the one that handles it. */
export interface BatchCall extends SubscriberCall {
  readonly settings: CallSettings
  readonly signal: AbortSignal
}

/**
 * Calls `prepare` of a batch subscriber outside of any transaction, and then handles the batch. Both are repeated where the
 * preparation turns out to be outdated.
 *
 * @param handle - runs the transaction.
 */
export async function withPrepared<DB>(
  subscriber: IBatchEventSubscriber<DB>,
  call: BatchCall,
  handle: (prepared: unknown) => Promise<void>,
): Promise<void> {
  if (!subscriber.prepare) return handle(undefined)
  for (let preparation = 1; ; preparation++) {
    const prepared = await prepare(subscriber, call)
    try {
      return await handle(prepared)
    } catch (error) {
      if (!isOutdated(error) || preparation === MAX_PREPARATIONS) throw error
    }
  }
}

async function prepare<DB>(
  subscriber: IBatchEventSubscriber<DB>,
  { events, attempt, settings, signal }: BatchCall,
): Promise<unknown> {
  let prepared: unknown
  await callSubscriber(
    async (context) => {
      prepared = await subscriber.prepare?.(events, context)
    },
    { events, attempt },
    settings,
    signal,
  )
  return prepared
}

function isOutdated(error: unknown): boolean {
  return EventsError.is(error) && error.code === 'preparation_outdated'
}

/** Callbacks that run as soon as a transaction is committed. */
export interface AfterCommit {
  add(callback: () => void): void
  /** Runs the callbacks after the commit. Their errors are logged, since nothing can be undone any more. */
  run(): void
}

/** Creates the callbacks of one transaction. */
export function createAfterCommit(subscription: string, logger: Logger): AfterCommit {
  const callbacks: (() => void)[] = []

  return {
    add: (callback) => void callbacks.push(callback),
    run() {
      for (const callback of callbacks) {
        try {
          callback()
        } catch (error) {
          logger.error({ err: error, subscription }, 'A callback after a commit failed')
        }
      }
    },
  }
}
