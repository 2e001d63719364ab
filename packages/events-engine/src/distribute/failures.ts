import type { SyncEvent } from '@x/events-core'
import { isRefusal } from '../sql/database-errors.ts'
import type { Position } from '../store/position.ts'
import type { Fence } from '../store/save-position.ts'
import { thrownText } from '../util/storable-text.ts'
import { assertLease } from './call.ts'
import type { DistributorRuntime } from './runtime.ts'
import type { Subscription } from './subscription.ts'

/**
 * The consequence of a failed try. `waits`: the event has used up its tries, and blocks as soon as those before it are done;
 * then its failure is recorded once more.
 */
export type FailureOutcome = 'retry' | 'parked' | 'blocked' | 'purged' | 'waits'

/** A try that failed. */
export interface FailedTry {
  readonly event: SyncEvent
  readonly attempt: number
  readonly error: unknown
  /**
   * The position after the event is parked; undefined where earlier events are still under way, so that the position
   * stays.
   */
  readonly after: Position | undefined
  /** Whether the event is the next one of the subscription, so that its tries are stored. */
  readonly isNext: boolean
  /** Whether the event has waited since it failed: its failure is counted already. */
  readonly hasWaited?: boolean
}

/**
 * Records the failure of an event, and decides the consequence.
 *
 * @throws EventEngineError `lease_lost`
 */
export async function recordFailure<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
  fence: Fence,
  failed: FailedTry,
): Promise<FailureOutcome> {
  const outcome = await storeFailure(subscription, runtime, fence, failed)
  if (!failed.hasWaited) runtime.observer.failed(subscription.name, failed.error)
  if (outcome === 'parked') runtime.observer.parked(subscription.name)
  return outcome
}

async function storeFailure<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
  fence: Fence,
  { event, attempt, error, after, isNext }: FailedTry,
): Promise<FailureOutcome> {
  const { store, logger } = runtime
  const { name, retry, onExhausted } = subscription
  const details = { err: error, subscription: name, eventId: event.id, attempt }
  const save = (write: (text: string) => Promise<boolean>) => storeErrorText(error, write)

  if (!(await store.isInLog(event))) {
    logger.info({ subscription: name, eventId: event.id }, 'A failed event was purged meanwhile; going on')
    assertLease(name, await save((text) => store.park(fence, event, after, attempt, text)))
    return 'purged'
  }
  if (attempt < retry.maxAttempts) {
    logger.warn(details, 'A subscriber failed; the event is tried again')
    if (isNext) {
      assertLease(name, await save((text) => store.saveFailure(fence, event, attempt, text, 'active')))
    }
    return 'retry'
  }
  if (onExhausted === 'block') {
    // A person skips the event that is next, which must not be another one than that which blocks.
    if (!isNext) {
      logger.warn(
        details,
        'A subscriber failed for the last time; the event waits for those before it, and then blocks',
      )
      return 'waits'
    }
    logger.error(details, 'A subscriber failed for the last time; the subscription is blocked')
    assertLease(name, await save((text) => store.saveFailure(fence, event, attempt, text, 'blocked')))
    return 'blocked'
  }
  logger.error(details, 'A subscriber failed for the last time; the event is parked')
  assertLease(name, await save((text) => store.park(fence, event, after, attempt, text)))
  return 'parked'
}

/** The text that is stored where the database refuses that of the error. */
const REFUSED_TEXT = 'The error could not be stored; the log of the host has it.'

/**
 * Stores the text of an error. A text that the database refuses must not prevent the record of the failure: the event would
 * be retried without end, and everything after it would wait.
 */
export async function storeErrorText<TResult>(
  error: unknown,
  write: (text: string) => Promise<TResult>,
): Promise<TResult> {
  try {
    return await write(thrownText(error))
  } catch (refusal) {
    if (!isRefusal(refusal)) throw refusal
    return write(REFUSED_TEXT)
  }
}
