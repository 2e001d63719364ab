import type { EntityData, EntityName, KnownAction, SyncEvent, WhereActionsAre } from '@x/events-core'
import type { SyncClientError } from './errors.ts'

/**
 * The state of a client: not started (`idle`), connecting for the first time or again (`connecting`), receiving events as
 * they happen (`live`), polling because no stream can be opened (`polling`), or waiting after a failure (`waiting`).
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

/** The payloads of {@link SyncClient.on}, by name. */
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

/** A `SyncEvent` with the types that its pattern implies. */
export interface SyncEventOf<TPattern extends string>
  extends Omit<SyncEvent, 'entityName' | 'action' | 'data'> {
  readonly entityName: EntityNameIn<TPattern>
  readonly action: ActionIn<TPattern>
  /** As the server sent it; its type is what the host declared in `EntityTypes`, unchecked. */
  readonly data?: EntityData<EntityNameIn<TPattern>>
}

/** The payload of a listener, for a name or a pattern. */
export type SyncClientPayload<TName extends string> = TName extends keyof SyncClientEventMap
  ? SyncClientEventMap[TName]
  : SyncEventOf<TName>

/** Follows the sync feed of a host. */
export interface SyncClient extends AsyncDisposable {
  readonly state: SyncClientState
  /** Begins to follow the feed; does nothing when already started. After a stop, it goes on where it was. */
  start(): void
  /**
   * Ends the request under way. After this call no listener is called until the next start or poll, which passes on the
   * events that were received and not passed on yet.
   *
   * @returns resolves when nothing is left running; safe to call twice.
   */
  stop(): Promise<void>
  /**
   * Polls now, for instance at each navigation, even when the client is not started. While a request is under way it polls
   * once more after it. Does nothing while the server's `Retry-After` lasts.
   *
   * @returns whether the server responded. Never rejects; failures are reported to `error` listeners.
   */
  poll(): Promise<boolean>
  /**
   * Calls a listener for each event of a type or pattern, or for another report of the client. Its error, or that of its
   * promise, is reported, and the other listeners are called all the same.
   *
   * @returns a function that removes the listener.
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
