import type { SyncEvent } from '@x/events-core'
import type { Fence, Position } from '../store/event-store.ts'
import { demandLease } from './demand-lease.ts'
import type { DistributorRuntime } from './runtime.ts'
import type { Subscription } from './subscription.ts'

/** What follows from a failed try. */
export type FailureOutcome = 'retry' | 'parked' | 'blocked'

/** A try that failed. */
export interface FailedTry {
  readonly event: SyncEvent
  readonly attempt: number
  readonly error: unknown
  /**
   * Where the subscription is once the event is parked; undefined where earlier events are still
   * under way, so that the position is left alone.
   */
  readonly after: Position | undefined
  /** Whether the event is the next one of the subscription, so that its tries are remembered over a restart. */
  readonly isNext: boolean
}

/**
 * Stores that an event failed, and decides what follows.
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
  runtime.observer.failed(subscription.name, failed.error)
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
  const message = messageOf(error)

  if (attempt < retry.maxAttempts) {
    logger.warn(details, 'A subscriber failed; the event is tried again')
    if (isNext) demandLease(name, await store.saveFailure(fence, attempt, message, 'active'))
    return 'retry'
  }
  if (onExhausted === 'block') {
    logger.error(details, 'A subscriber failed for the last time; the subscription is blocked')
    demandLease(name, await store.saveFailure(fence, attempt, message, 'blocked'))
    return 'blocked'
  }
  logger.error(details, 'A subscriber failed for the last time; the event is parked')
  demandLease(name, await store.park(fence, event, after, attempt, message))
  return 'parked'
}

/** What is stored of an error: its text, and why it came about. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\nCaused by ${messageOf(error.cause)}`
}
