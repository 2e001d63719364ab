export type { ActionTypes, OwnAction, WhereActionsAre } from './action-types.ts'
export { ALL_SITES, ALL_TENANTS, type Alias, type TenantSite } from './alias.ts'
export { type Assertion, createAssertion, type FieldNames, isListOf, isPlainObject } from './assertion.ts'
export { type Clock, steadyClock, systemClock } from './clock.ts'
export { isStorableDate } from './dates.ts'
export {
  type BuiltInEntityName,
  type EntityName,
  EntityNames,
  type SettingEntityName,
  settingNameOf,
} from './entity-names.ts'
export type { EntityData, EntityTypes } from './entity-types.ts'
export { EventsError, type EventsErrorClass, type EventsErrorOptions } from './errors.ts'
export type { IEventSubscriber, SubscriberContext } from './event-subscriber.ts'
export {
  type EventTypeName,
  type EventTypePattern,
  eventTypeOf,
  isEventType,
  isEventTypeMember,
  isEventTypePattern,
  type KnownEventPattern,
  type KnownEventType,
  matchesEventType,
} from './event-type.ts'
export type { JsonValue } from './json.ts'
export { type Logger, silentLogger } from './logger.ts'
export type { IServiceScope, IServiceScopeFactory } from './service-scope.ts'
export { shown } from './shown.ts'
export { formatSyncDate, parseSyncDate, type Sync } from './sync.ts'
export { createSyncEvent, type SyncEvent, type SyncEventInput, siteKeyOf } from './sync-event.ts'
export {
  type ExceptionalAction,
  type KnownAction,
  type OperationalAction,
  type SyncEventAction,
  SyncEventActions,
} from './sync-event-actions.ts'
export type { AddSyncEventOptions, EntityChangedListener, ISyncManager } from './sync-manager.ts'
export type { WebhookPayload, WebhookPayloadData } from './webhook-payload.ts'
