import { EventEngineError } from '../errors.ts'
import type { Fence, PositionedEvent } from '../store/event-store.ts'
import type { DistributorRuntime } from './runtime.ts'
import type { Subscription } from './subscription.ts'

/** What follows from a failed try. */
export type FailureOutcome = 'retry' | 'parked' | 'blocked'

/**
 * Stores that an event failed, and decides what follows. Everything before the event is saved already.
 *
 * @throws EventEngineError `lease_lost`
 */
export async function recordFailure<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
  fence: Fence,
  { event, position }: PositionedEvent,
  attempt: number,
  error: unknown,
): Promise<FailureOutcome> {
  const { store, logger } = runtime
  const { name, retry, onExhausted } = subscription
  const details = { err: error, subscription: name, eventId: event.id, attempt }
  const message = messageOf(error)

  if (attempt < retry.maxAttempts) {
    logger.warn(details, 'A subscriber failed; the event is tried again')
    demandLease(name, await store.saveFailure(fence, attempt, message, 'active'))
    return 'retry'
  }
  if (onExhausted === 'block') {
    logger.error(details, 'A subscriber failed for the last time; the subscription is blocked')
    demandLease(name, await store.saveFailure(fence, attempt, message, 'blocked'))
    return 'blocked'
  }
  logger.error(details, 'A subscriber failed for the last time; the event is parked')
  demandLease(name, await store.park(fence, event, position, attempt, message))
  return 'parked'
}

/** Ends what is under way once another node, or a person, has taken the subscription. */
export function demandLease(name: string, held: boolean): void {
  if (!held) throw new EventEngineError('lease_lost', `The lease of subscription ${name} has ended.`)
}

/** What is stored of an error: its text, and why it came about. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\nCaused by ${messageOf(error.cause)}`
}
