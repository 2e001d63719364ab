export { createSyncClient } from './create-sync-client.ts'
export { SyncClientError, type SyncClientErrorCode, type SyncClientErrorOptions } from './errors.ts'
export { type FollowSiteOptions, followSite } from './follow-site.ts'
export { type Observable, observable } from './observable.ts'
export type {
  SyncClientOptions,
  SyncFetch,
  SyncFetchInit,
  SyncFetchResponse,
  SyncHeaders,
  SyncTabs,
  SyncTransportChoice,
} from './options.ts'
export {
  createPropertyDictionary,
  type PropertyChangedListener,
  type PropertyDictionary,
  type PropertyDictionaryOptions,
  type PropertyName,
  type SubscribeToProperties,
} from './property-dictionary.ts'
export type {
  SyncClient,
  SyncClientEventMap,
  SyncClientPayload,
  SyncClientState,
  SyncClientStateChange,
  SyncEventOf,
  SyncEventPattern,
} from './sync-client.ts'
