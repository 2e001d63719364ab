import type { OwnAction, WhereActionsAre } from './action-types.ts'

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

/** What the sender raises about its own work: `WebhookEndpoint.Failing` and the like. */
export type OperationalAction = 'Challenge' | 'Test' | 'Exhausted' | 'Disabled' | 'Failing' | 'Recovered'

/** The framework's and the sender's actions, and the host's own of {@link ActionTypes}: those that an editor suggests. */
export type KnownAction =
  | (typeof SyncEventActions)[keyof typeof SyncEventActions]
  | ExceptionalAction
  | OperationalAction
  | OwnAction

/**
 * What may be raised: any action, and no other than {@link KnownAction} once the host has merged its own into
 * {@link ActionTypes}.
 */
export type SyncEventAction = WhereActionsAre<KnownAction | (string & {}), KnownAction>
