import { eventTypeOf, type Logger, type SyncEvent } from '@x/events-core'
import { type HandledLog, isInterruption, type SqlExecutor } from '@x/events-engine/support'
import type { Transaction } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import { WebhookSenderError } from '../errors.ts'
import { isWantedTime, isWantedType } from './change.ts'
import type { FanOutToOne } from './fan-out-to-one.ts'
import type { JobProgress, JobRow } from './job-row.ts'

/** What {@link createLogReplay} works with. */
export interface LogReplayParts<DB> {
  readonly store: DeliveryStore
  readonly log: HandledLog
  readonly logger: Logger
  readonly fanOutTo: FanOutToOne<DB>
}

/** A step that was got ready, to be made in a transaction. */
export type PreparedStep = (trx: SqlExecutor) => Promise<JobProgress>

/** How much of the log to take in one step; nothing of it is sent of what cannot be made a message of. */
export type StepSize = 'many' | 'one' | 'skip'

const AT_ONCE = 250

/** Creates what gives an endpoint the events of the log that it never had, on the way that every event takes. */
export function createLogReplay<DB>({ store, log, logger, fanOutTo }: LogReplayParts<DB>) {
  /** @returns the step; what takes its time, such as rendering, is done by then. */
  async function prepare(job: JobRow, size: StepSize): Promise<PreparedStep> {
    const { endpointKey, tenantId, options, cursor } = job
    const { after, last, position } = cursor.log as NonNullable<typeof cursor.log>
    const page = await log.read({ position, after, tenantId, limit: size === 'many' ? AT_ONCE : 1 })
    const wanted = page.events.filter(
      (event) =>
        isWantedTime(options, event.modifiedOn.getTime()) &&
        isWantedType(options.eventTypes, eventTypeOf(event)),
    )
    const missing = size === 'skip' ? [] : await withoutThoseHad(undefined, endpointKey, wanted)
    const { subscriber, storedCount } = fanOutTo(endpointKey)
    // The runner tells the worker after the commit.
    const context = { signal: new AbortController().signal, attempt: 1, afterCommit: () => {} }
    const prepared = missing.length === 0 ? undefined : await subscriber.prepare?.(missing, context)
    const next = Math.min(page.last ?? last, last)

    return async (trx) => {
      // Somebody may have begun the same.
      const still = await withoutThoseHad(trx, endpointKey, missing)
      if (still.length > 0) {
        await subscriber.entitiesChanged(still, { ...context, trx: trx as Transaction<DB>, prepared })
      }
      const isLast = next >= last
      return {
        state: isLast ? 'succeeded' : 'running',
        cursor: { ...cursor, log: { after: next, last, position } },
        done: isLast ? job.total : Math.min(job.total, job.done + next - after),
        affected: job.affected + storedCount(),
        errorMessage: null,
      }
    }
  }

  async function withoutThoseHad(
    trx: SqlExecutor | undefined,
    endpointKey: number,
    events: readonly SyncEvent[],
  ): Promise<readonly SyncEvent[]> {
    if (events.length === 0) return events
    const ids = events.map(({ id }) => id)
    const had = new Set(await store.findEventsHad(trx, endpointKey, ids))
    return events.filter(({ id }) => !had.has(id))
  }

  /** Makes a step by `make`; one event at a time when together they fail, and without it when it fails alone. */
  return async function step<TResult>(
    job: JobRow,
    make: (prepared: PreparedStep) => Promise<TResult>,
  ): Promise<TResult> {
    try {
      return await make(await prepare(job, 'many'))
    } catch (error) {
      logger.debug({ err: error, job: job.id }, 'A step of a replay failed; its events are taken one by one')
    }
    try {
      return await make(await prepare(job, 'one'))
    } catch (error) {
      // The database's trouble is no reason to leave an event out.
      if (isInterruption(error) || !WebhookSenderError.is(error)) throw error
      logger.warn(
        { err: error, job: job.id },
        'An event that no message can be made of was left out of a replay',
      )
    }
    return make(await prepare(job, 'skip'))
  }
}
