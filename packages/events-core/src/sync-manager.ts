import type { TenantSite } from './alias.ts'
import type { EntityName } from './entity-names.ts'
import type { EntityData } from './entity-types.ts'
import type { SyncEvent } from './sync-event.ts'
import type { SyncEventAction } from './sync-event-actions.ts'

/** What may accompany an event when it is raised. */
export interface AddSyncEventOptions<TTransaction = unknown, TData = unknown> {
  /**
   * The transaction of the change that the event tells of. The event is committed or rolled back
   * with it. Without one, the event is committed on its own before the promise resolves.
   */
  readonly trx?: TTransaction | undefined
  /** Anything JSON can hold; stored with the event and handed to subscribers and webhooks. */
  readonly data?: TData | undefined
}

/** Hears of events in this process, in the order of the log. */
export type EntityChangedListener = (event: SyncEvent) => void

/** Raises events and answers what clients need to know since they last asked. */
export interface ISyncManager<TTransaction = unknown> {
  /**
   * Raises an event: appends it to the event log, and nothing else. Subscribers are called later,
   * by the distributor, once the transaction is committed.
   *
   * @param site - an `Alias`, or any `{ tenantId, siteId }`.
   * @returns the event; it counts as raised when the transaction commits.
   * @throws when an argument or the data cannot be stored; nothing is written then.
   */
  addSyncEvent<const TName extends EntityName>(
    site: TenantSite,
    entityName: TName,
    entityId: number | string,
    action: SyncEventAction,
    options?: AddSyncEventOptions<TTransaction, EntityData<TName>>,
  ): Promise<SyncEvent>

  /**
   * The Refresh and Reload events of a tenant, and those of all tenants, since a time.
   *
   * @param lastSyncDate - inclusive; events older than an hour are not looked for, whatever it says.
   */
  getSyncEvents(tenantId: number, lastSyncDate: Date): Promise<SyncEvent[]>

  /** Calls a listener for every event from now on. An error that it throws is logged, not passed on. */
  on(eventName: 'entityChanged', listener: EntityChangedListener): this
  /** Ends what {@link ISyncManager.on} began. */
  off(eventName: 'entityChanged', listener: EntityChangedListener): this
}
