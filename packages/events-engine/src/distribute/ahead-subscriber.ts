import type { SubscriberContext, SyncEvent } from '@x/events-core'
import type { Transaction } from 'kysely'
import type { FencePart } from '../store/save-position.ts'
import type { IBatchEventSubscriber } from './subscription.ts'

/** A batch subscriber that can also handle events of later pages while earlier ones are under way. */
export interface IAheadSubscriber<DB = unknown> extends IBatchEventSubscriber<DB> {
  /** Called for each lease; what it gives handles that lease's events. */
  handleAhead(host: AheadHost<DB>): AheadHandler
}

/** An event that is handled ahead. */
export interface AheadEvent {
  readonly event: SyncEvent
  /** There is nothing to record: the position may move past it. */
  settle(): void
}

/** What an {@link AheadHandler} records with. */
export interface AheadHost<DB> {
  /**
   * Runs a transaction that begins with the fence of the subscription's lease, and settles events by its commit. One at
   * a time. `write` is called again where it had to give way to another transaction.
   *
   * @param writeAtOnce - is called before, and may make `write` unnecessary.
   * @throws EventEngineError `lease_lost`, after which nothing more is recorded.
   */
  record(
    events: readonly AheadEvent[],
    write: (trx: Transaction<DB>) => Promise<void>,
    writeAtOnce?: (fence: FencePart) => Promise<WrittenAtOnce>,
  ): Promise<void>
  /** Saves the position now, where it can move. */
  save(): Promise<void>
  /** Ends the handling ahead: the events that are not settled are read again, and handled in batches. */
  fail(error: unknown): void
}

/**
 * What has come of writing with a {@link FencePart}: all is committed; the lease is lost, and nothing is written; or nothing
 * is written for another reason.
 */
export type WrittenAtOnce = 'committed' | 'lease_lost' | 'not_written'

/** Handles the events of one lease ahead. */
export interface AheadHandler {
  /**
   * Takes the next events, and settles each of them in time.
   *
   * @param mayRepeat - whether effects of these events may be stored already, by who held the lease before.
   * @returns false where one of them has to be handled in a batch; then none was taken.
   */
  read(
    events: readonly AheadEvent[],
    context: SubscriberContext & { readonly mayRepeat: boolean },
  ): Promise<boolean>
  /** Begins nothing more, and settles what is under way soon. */
  close(): void
  /** Forgets everything: nothing of it may be recorded any more. */
  abandon(): void
}

/** Whether a subscriber can handle ahead. */
export function isAheadSubscriber<DB>(
  subscriber: IBatchEventSubscriber<DB>,
): subscriber is IAheadSubscriber<DB> {
  return typeof (subscriber as Partial<IAheadSubscriber<DB>>).handleAhead === 'function'
}
