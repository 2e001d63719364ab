/**
 * What happened. `Refresh` and `Reload` are instructions to clients (fetch the page state again;
 * load the whole application again), the others tell that an entity changed.
 *
 * @example
 * ```ts
 * import { type SyncEvent, SyncEventActions } from '@x/events-core'
 *
 * const isForClients = (event: SyncEvent) =>
 *   event.action === SyncEventActions.Refresh || event.action === SyncEventActions.Reload
 * ```
 */
export const SyncEventActions = {
  Refresh: 'Refresh',
  Reload: 'Reload',
  Create: 'Create',
  Update: 'Update',
  Delete: 'Delete',
} as const

/** An action that is raised as a plain string: a file was downloaded, a user came or went. */
export type ExceptionalAction = 'Download' | 'Login' | 'Logout'

/** The actions an editor suggests; the set is open, a host raises its own as plain strings. */
export type SyncEventAction =
  | (typeof SyncEventActions)[keyof typeof SyncEventActions]
  | ExceptionalAction
  | (string & {})
