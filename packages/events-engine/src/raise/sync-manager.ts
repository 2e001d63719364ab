import {
  type AddSyncEventOptions,
  type Assertion,
  type Clock,
  createSyncEvent,
  type EntityChangedListener,
  type EntityData,
  type EntityName,
  type FieldNames,
  type ISyncManager,
  type Sync,
  type SyncEvent,
  type SyncEventAction,
  type TenantSite,
} from '@x/events-core'
import { EventEngineError } from '../errors.ts'
import { activeTraceparent, rememberTraceparent } from '../observability/tracing.ts'
import { type EventRow, rowOf } from '../store/event-row.ts'
import type { EventStore } from '../store/event-store.ts'
import { assertDate, assertInteger, createArgumentAssertion, createOptionAssertion } from '../util/assert.ts'
import type { AppendBatcher, HostTransaction } from './append.ts'
import { createEventIdGenerator } from './event-id.ts'
import { dataTextOf, validateEvent } from './validate-event.ts'

const CLIENT_EVENTS_KEPT_MS = 60 * 60 * 1_000

const OPTIONS: FieldNames<AddSyncEventOptions> = { trx: 'nullable', data: 'nullable' }

const assertRaise: Assertion = createOptionAssertion('addSyncEvent', 'invalid_argument')
const assertListener: Assertion = createArgumentAssertion('on')
const assertSyncEvents: Assertion = createArgumentAssertion('getSyncEvents')
const assertSync: Assertion = createArgumentAssertion('getSync')

/** Checks an event before it is written. An error that it throws refuses the event. */
export type RaiseCheck = (event: SyncEvent) => void

/** What a {@link SyncManager} works with; an engine makes one for itself. */
export interface SyncManagerParts<DB> {
  readonly store: EventStore
  readonly clock: Clock
  readonly maxDataBytes: number
  /** Commits events that come without a transaction. */
  readonly appendAlone: AppendBatcher
  /** Appends an event in a caller's transaction, after it was found to be one of this database. */
  appendIn(trx: HostTransaction<DB>, row: EventRow): Promise<void>
  /** Whether the caller runs inside of `engine.transaction`. */
  inTransaction(): boolean
  /** Called before each append; what one throws refuses the event. */
  readonly checks: ReadonlySet<RaiseCheck>
  /** Called after each append, committed or not yet. */
  raised(event: SyncEvent, isCommitted: boolean): void
  listeners: Set<EntityChangedListener>
}

/** Raises events, and reads what clients have missed. It is `engine.syncManager`. */
export class SyncManager<DB> implements ISyncManager<HostTransaction<DB>> {
  readonly #parts: SyncManagerParts<DB>
  readonly #nextEventId: () => string

  constructor(parts: SyncManagerParts<DB>) {
    this.#parts = parts
    this.#nextEventId = createEventIdGenerator(() => parts.clock.now())
  }

  /**
   * Raises an event: one insert into the event log, in the caller's transaction where one is given.
   * Subscribers get it after the commit; a rolled-back event never happened. The transaction is
   * Kysely's, or comes from another library by `fromPg`, `fromDrizzle`, `fromKnex` or `fromPrisma`.
   *
   * @param site - an `Alias`, or any `{ tenantId, siteId }`.
   * @param entityName - one of `EntityNames`, or a name that the host has merged into `EntityTypes`.
   * @param entityId - an integer or a text of at most 512 characters.
   * @param action - one of `SyncEventActions`, or the host's own.
   * @throws EventEngineError `invalid_argument`, `invalid_data`, `data_too_large`, `not_a_transaction`,
   *   `wrong_database`, `unsupported_dialect`, `trx_required`; also the error of a webhook sender that refuses events
   *   which do not fit its catalog. Nothing is written then.
   */
  async addSyncEvent<const TName extends EntityName>(
    site: TenantSite,
    entityName: TName,
    entityId: number | string,
    action: SyncEventAction,
    options?: AddSyncEventOptions<HostTransaction<DB>, EntityData<TName>>,
  ): Promise<SyncEvent> {
    const { clock } = this.#parts
    // With trx misspelt, the event would be committed apart from its change.
    const { trx, data } = assertRaise.fields('', options, OPTIONS)
    validateEvent(site, entityName, entityId, action)
    const dataText = dataTextOf(data, this.#parts.maxDataBytes)
    if (trx === undefined && this.#parts.inTransaction()) {
      throw new EventEngineError(
        'trx_required',
        'addSyncEvent: called inside engine.transaction without options.trx; use its raise, or pass { trx }.',
      )
    }
    const event = createSyncEvent({
      id: this.#nextEventId(),
      tenantId: site.tenantId,
      siteId: site.siteId,
      entityName,
      entityId,
      action,
      modifiedOn: new Date(clock.now()),
      // A copy, so that the event equals what subscribers will read from the log.
      ...(dataText === null ? {} : { data: JSON.parse(dataText) }),
    })
    for (const check of this.#parts.checks) check(event)
    const traceparent = activeTraceparent()
    rememberTraceparent(event, traceparent)
    const row = rowOf(event, dataText, traceparent)
    if (trx === undefined) await this.#parts.appendAlone(row)
    else await this.#parts.appendIn(trx, row)
    this.#parts.raised(event, trx === undefined)
    return event
  }

  /**
   * Reads the Refresh and Reload events of a tenant, and those of all tenants, since a time; at most those of the last
   * hour.
   *
   * @param lastSyncDate - inclusive; of the years 1 to 9999.
   * @throws EventEngineError `invalid_argument`
   */
  async getSyncEvents(tenantId: number, lastSyncDate: Date): Promise<SyncEvent[]> {
    assertInteger(assertSyncEvents, 'tenantId', tenantId)
    assertDate(assertSyncEvents, 'lastSyncDate', lastSyncDate)
    const oldest = this.#parts.clock.now() - CLIENT_EVENTS_KEPT_MS
    const since = new Date(Math.max(lastSyncDate.getTime(), oldest))
    return this.#parts.store.readClientEvents(tenantId, since)
  }

  /**
   * The response body of `GET /api/Sync/{lastSyncDate}`: {@link SyncManager.getSyncEvents}, and the date for the next
   * request. That date lies before what waits to be committed in this process, and on PostgreSQL before the beginning of the
   * oldest writing transaction, so that no late commit is missed; an event that is returned twice has the same id.
   *
   * @param lastSyncDate - undefined for a client that has nothing to catch up on. It gets the events that the next response
   *   will repeat, so that it recognises them.
   * @throws EventEngineError `invalid_argument`
   */
  async getSync(tenantId: number, lastSyncDate: Date | undefined): Promise<Sync> {
    const { store, clock, appendAlone } = this.#parts
    assertInteger(assertSync, 'tenantId', tenantId)
    if (lastSyncDate !== undefined) assertDate(assertSync, 'lastSyncDate', lastSyncDate)
    // All before the events are read: an event raised in between is then returned twice, instead of never.
    const now = clock.now()
    const waitingMs = now - (appendAlone.oldestUncommitted() ?? now)
    const uncommittedMs = Math.min(
      Math.max(waitingMs, await store.longestUncommittedMs()),
      CLIENT_EVENTS_KEPT_MS,
    )
    const syncDate = new Date(now - uncommittedMs)
    const syncEvents =
      uncommittedMs === 0 && !lastSyncDate ? [] : await this.getSyncEvents(tenantId, lastSyncDate ?? syncDate)
    return { syncDate, syncEvents }
  }

  /**
   * Calls a listener for every event from now on, on every node. Its errors are logged.
   *
   * @throws EventEngineError `invalid_argument`
   */
  on(eventName: 'entityChanged', listener: EntityChangedListener): this {
    assertListener.oneOf('eventName', eventName, ['entityChanged'])
    assertListener(typeof listener === 'function', 'listener', 'a function', listener)
    this.#parts.listeners.add(listener)
    return this
  }

  /** Removes a listener. */
  off(_eventName: 'entityChanged', listener: EntityChangedListener): this {
    this.#parts.listeners.delete(listener)
    return this
  }
}
