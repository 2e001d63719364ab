import type { Clock, FieldNames } from '@x/events-core'
import type { SequenceMark, SequenceStore } from './sequence-store.ts'

/** What became of a message: its handlers ran and their work is committed, or it was handled before. */
export type InboxOutcome = 'handled' | 'duplicate'

/** Which marks {@link Inbox.purge} deletes. */
export interface InboxPurgeOptions {
  /**
   * Marks older than this many days are deleted; at least 4, since a sender may try for 75.6 hours.
   *
   * @defaultValue the inbox's `retentionDays`
   */
  readonly olderThanDays?: number | undefined
}

/**
 * Marks each message in the transaction in which its handlers write: both are committed, or neither. Made by
 * `kyselyInbox`, `pgInbox`, `drizzleInbox`, `knexInbox` and `prismaInbox`, each in a subpath of its own; given to
 * `createReceiver`.
 *
 * @typeParam TTrx - the transaction that handlers get as `context.trx`.
 */
export interface Inbox<TTrx> {
  /**
   * Marks a message and runs work, in one transaction. It waits while a copy of the same message is in work. The work
   * may be run again where the database has rolled the transaction back for another one's sake.
   *
   * @param id - the `webhook-id`.
   * @param mark - the number that the message has, kept with its mark.
   * @throws what the work throws, after a rollback; ReceiverError (`inbox_unavailable`) when the database failed.
   */
  receive(id: string, work: (trx: TTrx) => unknown, mark?: SequenceMark): Promise<InboxOutcome>
  /** What is known of numbered messages: for a receiver with `sequence`. */
  readonly sequences?: SequenceStore | undefined
  /**
   * Deletes old marks, a thousand in each transaction. The inbox does it by itself: after a message, every ten
   * minutes. Call it where that may not happen at the time of a message.
   *
   * @returns how many marks were deleted.
   * @throws EventsError (`invalid_argument`) when `olderThanDays` is below 4.
   */
  purge(options?: InboxPurgeOptions): Promise<number>
  /** Deletes a batch of old marks when it is time to: called by the receiver after each message. */
  maintain(): Promise<void>
}

/** Options of every inbox. */
export interface InboxOptions {
  /**
   * Keeps the marks of this receiver apart from those of others in the same table. A sender uses one id for all of its
   * endpoints, so each receiver needs a scope of its own. Up to 100 characters.
   *
   * @defaultValue 'default'
   */
  readonly scope?: string | undefined
  /**
   * Which table; with its schema (`app.webhook_inbox`) where it is not in the search path.
   *
   * @defaultValue 'webhook_inbox'
   */
  readonly table?: string | undefined
  /**
   * For how many days a handled message is remembered: longer than the sender can send it again. The schedule of
   * Standard Webhooks ends after 75.6 hours, so 4 is the least; x-events hosts can resend for 30 days.
   *
   * @defaultValue 30
   */
  readonly retentionDays?: number | undefined
  /**
   * The time by which marks grow old.
   *
   * @defaultValue the machine's clock
   */
  readonly clock?: Clock | undefined
}

/** Options of an inbox on PostgreSQL. */
export interface PostgresInboxOptions extends InboxOptions {
  /**
   * The isolation level of the transaction, on PostgreSQL.
   *
   * @defaultValue the database's own (`default_transaction_isolation`)
   */
  readonly isolationLevel?: InboxIsolationLevel | undefined
}

/** What the transaction of a message may see of others; the words of SQL. */
export type InboxIsolationLevel = 'read committed' | 'repeatable read' | 'serializable'

/** The names of the options of an inbox. */
export const INBOX_NAMES: FieldNames<PostgresInboxOptions> = {
  scope: true,
  table: true,
  retentionDays: true,
  clock: true,
  isolationLevel: true,
}
