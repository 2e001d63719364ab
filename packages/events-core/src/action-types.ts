/**
 * A host's own actions, by name. Empty here, and actions are open: any text passes. From the first one that the host
 * merges into it the set is closed: `addSyncEvent`, `raise`, patterns of subscriptions, endpoints, handlers and
 * clients then take these and the framework's, and a misspelled one does not compile. What stands behind a name does
 * not matter; `true` will do. A host with no actions of its own closes the set with one of the framework's:
 * `Create: true`.
 *
 * @example
 * ```ts
 * import type { SyncEventAction } from '@x/events-core'
 *
 * declare module '@x/events-core' {
 *   interface ActionTypes {
 *     Paid: true
 *   }
 * }
 *
 * const action: SyncEventAction = 'Paid'
 * // @ts-expect-error misspelled
 * const misspelled: SyncEventAction = 'Piad'
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: hosts merge their actions into it
export interface ActionTypes {}

/** The names in {@link ActionTypes}. */
export type OwnAction = Extract<keyof ActionTypes, string>

/** One type where actions are open, another where a host has closed the set. */
export type WhereActionsAre<TOpen, TClosed> = [OwnAction] extends [never] ? TOpen : TClosed
