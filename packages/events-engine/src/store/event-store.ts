import type { SyncEvent } from '@x/events-core'
import type { Parameter, SqlExecutor } from '../sql/database.ts'
import type { EventRow } from './event-row.ts'
import type { TenantStore } from './purge-tenant.ts'

/**
 * A cursor into the log. Opaque outside the stores, comparable only by the store that made it. Every event before it is
 * handled.
 */
export type Position = string

/** An event and the position right after it. */
export interface PositionedEvent {
  readonly event: SyncEvent
  readonly position: Position
}

/** What a read of the log gives: whole in itself, in log order. */
export interface EventPage {
  readonly events: readonly PositionedEvent[]
  /** Where to read on; may have moved although there was no event. */
  readonly position: Position
  /** Whether there may be more already, so that it pays to read on at once. */
  readonly more: boolean
}

/**
 * Whether a reader can go on behind a position: `expired` where events behind it are deleted, `unknown`
 * where it stands behind what is not in this log.
 */
export type Place = 'kept' | 'expired' | 'unknown'

/** How much of the log lies after a position. */
export interface Lag {
  /** Committed events, at most 10,000. */
  readonly events: number
  /** Whether there are more than were counted. */
  readonly capped: boolean
  /** When the oldest of them was raised. */
  readonly oldest: Date | undefined
}

/** The result of a look for changes. */
export interface ChangeMarker {
  /** To be handed to the next look. */
  readonly marker: string
  /** Behind everything that the look has seen. */
  readonly position: Position
  readonly changed: boolean
}

/** The right of one node to handle one subscription, until it expires or is taken over. */
export interface SubscriptionLease {
  readonly epoch: number
  /** Counts what people have changed about the subscription. */
  readonly revision: number
  readonly position: Position
  /** Failed tries of the event right after the position, before this lease. */
  readonly failedAttempts: number
  /** How many events after the position may have effects that are stored already; at least 1 where any may. */
  readonly ahead: number
}

export type SubscriptionState = 'active' | 'paused' | 'blocked'

/** A subscription as it is stored. */
export interface SubscriptionRow {
  readonly name: string
  readonly position: Position
  readonly state: SubscriptionState
  readonly leasedBy: string | null
  readonly failedAttempts: number
  readonly lastError: string | null
  readonly parked: number
}

/** An event that used up its tries. */
export interface ParkedRow {
  readonly subscription: string
  readonly event: SyncEvent
  readonly attempts: number
  readonly error: string
  readonly parkedOn: Date
}

/** What fences a write: it counts only while the epoch is still the one of the lease. */
export interface Fence {
  readonly name: string
  readonly epoch: number
  /**
   * The positions of which one must be stored, too, for a write that moves it together with its effects. After a COMMIT whose
   * response was lost, only the stored position shows whether they happened; and a statement that seemed lost, and is run
   * later than its successors, changes nothing.
   */
  readonly at?: readonly Position[] | undefined
}

/**
 * A fence as a part of another statement, in a database whose queries may write: what the statement writes depends on
 * the fence's row, so one round trip checks the lease, moves the subscription on, and writes. The other parameters of the
 * statement are numbered from {@link FIRST_AFTER_FENCE}.
 */
export interface FencePart {
  /**
   * SQL: the query of a common table expression, which has one row while the lease is held. Nobody else changes the
   * subscription's row until the transaction ends.
   *
   * @param condition - where it is false there is no row, and the position stays.
   */
  query(condition: string): string
  readonly parameters: readonly Parameter[]
}

/** The number of the first parameter that a statement may use beside those of a {@link FencePart}. */
export const FIRST_AFTER_FENCE = 6

/** How long the lease of a transaction that moves a subscription is to last, and how long it may idle. */
export interface LeasedTransaction {
  readonly leaseMs: number
  /** PostgreSQL ends a transaction that idles for so long. */
  readonly idleMs: number
}

/** A lease that was extended, and what has been changed about its subscription. */
export interface HeldLease extends Fence {
  readonly revision: number
}

/** What may be deleted from the log. */
export interface PurgeLimits {
  /** Events younger than this stay, in milliseconds. */
  readonly keepMs: number
  /** Subscriptions that no node has run for so long do not count, in milliseconds. */
  readonly abandonedAfterMs: number
  /** At most so many rows. */
  readonly limit: number
}

/** A subscription that no node runs. */
export interface UnattendedSubscription {
  readonly name: string
  readonly unattendedMs: number
}

/** Everything the engine asks of a database. One implementation for each dialect. */
export interface EventStore extends TenantStore {
  /** Appends one event in the caller's transaction. */
  append(executor: SqlExecutor, row: EventRow): Promise<void>
  /** Appends several in one statement, in their order. */
  appendAll(executor: SqlExecutor, rows: readonly EventRow[]): Promise<void>

  /** The position after everything committed until now. */
  endPosition(): Promise<Position>
  /** The position before everything that is kept. */
  startPosition(): Position
  /** Whether anything was committed since an earlier marker: cheap enough to ask often. */
  findChange(since: string | undefined): Promise<ChangeMarker>
  readAfter(position: Position, limit: number): Promise<EventPage>
  /** Drops what was read ahead and kept in memory. */
  forgetRead(): void
  /** How much is committed behind a position. */
  measureLag(position: Position): Promise<Lag>
  /** @throws EventEngineError `invalid_position` for what this kind of log never gives out. */
  parsePosition(text: string): Position
  /** A name for this log, which positions that are given out carry; another one once it was restored. */
  logName(): Promise<string>

  /** Deletes some of the oldest events that every subscription has passed. @returns how many. */
  purge(limits: PurgeLimits): Promise<number>
  /** Gives some free pages of the database's file back to the disk. @returns whether there may be more. */
  shrinkFile(): Promise<boolean>
  /** What there is behind a position. */
  findPlace(position: Position): Promise<Place>
  /** Makes a log readable that was restored into another cluster. @returns whether it was one. */
  adoptRestoredLog(): Promise<boolean>

  /**
   * How long ago, in milliseconds, an event may have been raised that cannot be read yet: since its
   * transaction is still open, or by a clock that is behind.
   */
  longestUncommittedMs(): Promise<number>
  /** Refresh and Reload events of a tenant and of all tenants. */
  readClientEvents(tenantId: number, since: Date): Promise<SyncEvent[]>

  /** Creates the subscription unless it exists. */
  createSubscription(name: string, position: Position): Promise<void>
  listSubscriptions(): Promise<SubscriptionRow[]>
  /** Those that no node has run for some time. */
  listUnattended(forMs: number): Promise<UnattendedSubscription[]>
  /** Takes the lease of an active subscription if it is free, expired, or held by a node known to be dead. */
  acquireLease(name: string, leaseMs: number): Promise<SubscriptionLease | undefined>
  /** Renews the leases of this node for the named subscriptions. @returns those that it still holds. */
  renewLeases(leaseMs: number, names: readonly string[]): Promise<HeldLease[]>
  releaseLease(fence: Fence): Promise<void>

  /**
   * Moves a subscription on.
   *
   * @param ahead - how many events after the position may have effects that are stored; left as it is where it is not given.
   * @returns false when the lease was lost: another node has moved it.
   */
  savePosition(fence: Fence, position: Position, executor?: SqlExecutor, ahead?: number): Promise<boolean>
  /**
   * Has the log keep all events from a sequence on, whatever their age, for as long as the subscription is not abandoned;
   * null: as long as the subscription has not handled them.
   */
  hold(name: string, sequence: number | null): Promise<void>
  /**
   * Moves a subscription on in a transaction, and keeps others from its row until the transaction ends.
   *
   * @returns false when the lease was lost: another node has moved it.
   */
  savePositionIn(
    trx: SqlExecutor,
    fence: Fence,
    position: Position,
    lasting: LeasedTransaction,
  ): Promise<boolean>
  /**
   * Begins a transaction with the fence, and keeps others from the subscription's row until it ends. Without a position
   * nothing is written.
   *
   * @param moved - the new position, and how many events after it may have effects that are stored.
   * @returns false when the lease was lost: another node has moved it.
   */
  fenceIn(
    trx: SqlExecutor,
    fence: Fence,
    moved: { readonly position: Position; readonly ahead: number } | undefined,
    lasting: LeasedTransaction,
  ): Promise<boolean>
  /** The same as a part of another statement. */
  fencePart(
    fence: Fence,
    moved: { readonly position: Position; readonly ahead: number } | undefined,
  ): FencePart
  /**
   * Stores that a try has failed; the error's text only while the event is in the log. A subscription that
   * is paused stays so.
   *
   * @returns false when the lease was lost.
   */
  saveFailure(
    fence: Fence,
    event: SyncEvent,
    failedAttempts: number,
    error: string,
    state: SubscriptionState,
  ): Promise<boolean>
  /** Whether the log still has an event: its tenant may have been purged while a subscriber was at it. */
  isInLog(event: SyncEvent): Promise<boolean>
  /**
   * Parks an event and, where a position is given, moves on to it, in one transaction. An event that
   * the log has no more is not parked.
   *
   * @returns false when the lease was lost.
   */
  park(
    fence: Fence,
    event: SyncEvent,
    after: Position | undefined,
    attempts: number,
    error: string,
  ): Promise<boolean>

  listParked(name: string, limit: number): Promise<ParkedRow[]>
  /** Marks parked events to be tried again; all of them where no id is given. */
  requestResume(name: string, eventId: string | undefined): Promise<number>
  nextResumable(name: string): Promise<ParkedRow | undefined>
  deleteParked(name: string, eventId: string | undefined, executor?: SqlExecutor): Promise<number>
  /** Parks a resumed event again. */
  parkAgain(name: string, eventId: string, attempts: number, error: string): Promise<void>
  /**
   * Puts a subscription elsewhere, and ends its lease, so that what its holder still saves does not count.
   *
   * @param expected - only if it stands here; wherever it stands, where there is none.
   */
  movePosition(name: string, position: Position, expected?: Position): Promise<boolean>
  /** The position before the first event that was raised at a time or later. */
  positionAt(time: Date): Promise<Position>
  /** Sets the state. The holder of the lease notices it, saves the position and releases the lease. */
  setState(name: string, state: SubscriptionState): Promise<boolean>
}
