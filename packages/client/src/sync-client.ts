import type { EntityData, EntityName, KnownAction, SyncEvent, WhereActionsAre } from '@x/events-core'
import type { SyncClientError } from './errors.ts'

/**
 * What a client is doing: nothing (`idle`), asking for the first time or again (`connecting`), told
 * what happens as it happens (`live`), asking at intervals since no stream is to be had (`polling`),
 * or letting time pass after a failure (`waiting`).
 */
export type SyncClientState = 'idle' | 'connecting' | 'live' | 'polling' | 'waiting'

/** A client's change from one state to another. */
export interface SyncClientStateChange {
  readonly state: SyncClientState
  readonly previous: SyncClientState
  /** What failed; with `waiting` only. */
  readonly error?: SyncClientError
  /** When the client tries again; with `waiting` only. */
  readonly retryInMs?: number
}

/** What {@link SyncClient.on} calls listeners with, by name. */
export interface SyncClientEventMap {
  /** Fetch the state of the page again: any event with the action Refresh. */
  readonly refresh: SyncEventOf<'*.Refresh'>
  /** Load the application again: any event with the action Reload. */
  readonly reload: SyncEventOf<'*.Reload'>
  /** Every event that the feed brings. */
  readonly entityChanged: SyncEvent
  readonly state: SyncClientStateChange
  /** A poll or a listener failed. Without a listener for it, it is only logged. */
  readonly error: SyncClientError
}

/**
 * An event type or a pattern of them: `Site.Refresh`, `File.*`, `*.Reload`, `*`. Any action, unless the host has
 * closed their set with `ActionTypes` of `@x/events-core`.
 */
export type SyncEventPattern = '*' | `${EntityName | '*'}.${WhereActionsAre<string, KnownAction | '*'>}`

type EntityNameIn<TPattern> = TPattern extends `${infer TName}.${string}` ? Unstarred<TName> : string
type ActionIn<TPattern> = TPattern extends `${string}.${infer TAction}` ? Unstarred<TAction> : string
type Unstarred<TPart extends string> = TPart extends '*' ? string : TPart

/** A `SyncEvent` with what its pattern tells about it. */
export interface SyncEventOf<TPattern extends string>
  extends Omit<SyncEvent, 'entityName' | 'action' | 'data'> {
  readonly entityName: EntityNameIn<TPattern>
  readonly action: ActionIn<TPattern>
  /** As the server sent it; its type is what the host declared in `EntityTypes`, unchecked. */
  readonly data?: EntityData<EntityNameIn<TPattern>>
}

/** What a listener is called with, for a name or a pattern. */
export type SyncClientPayload<TName extends string> = TName extends keyof SyncClientEventMap
  ? SyncClientEventMap[TName]
  : SyncEventOf<TName>

/** Follows the sync feed of a host. */
export interface SyncClient extends AsyncDisposable {
  readonly state: SyncClientState
  /** Begins to follow the feed; does nothing when already started. After a stop, it goes on where it was. */
  start(): void
  /**
   * Ends the request under way; after this call no further event is told until the next start or
   * poll. What was answered and not yet told is told then.
   *
   * @returns resolves when nothing is left running; safe to call twice.
   */
  stop(): Promise<void>
  /**
   * Asks now, for instance at each navigation, whether the client is started or not. While a
   * request is under way it asks once more after it. Does nothing while the server's `Retry-After` lasts.
   *
   * @returns whether the server answered. Never rejects; failures are reported to `error` listeners.
   */
  poll(): Promise<boolean>
  /**
   * Calls a listener for each event of a type or pattern, or for what else the client reports. What
   * it throws, or its promise is rejected with, is reported and keeps no other listener from being called.
   *
   * @returns a function that ends it.
   * @throws {@link SyncClientError} `invalid_argument`, if the name is neither known nor a pattern.
   * @example
   * ```ts
   * import { createSyncClient } from '@x/client'
   *
   * const client = createSyncClient({ url: 'https://www.example.com/api/Sync' })
   * const unsubscribe = client.on('File.*', (event) => {
   *   event.entityName // 'File'
   * })
   * unsubscribe()
   * ```
   */
  on<const TName extends keyof SyncClientEventMap | SyncEventPattern>(
    name: TName,
    listener: (payload: SyncClientPayload<TName>) => unknown,
  ): () => void
}
