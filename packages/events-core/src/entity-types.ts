import type { JsonValue } from './json.ts'

/**
 * A host's own entities, by name. Empty here; the host merges its own into it, and from then on
 * `addSyncEvent`, subscribers and webhook handlers know the name and the type of its data.
 *
 * @example
 * ```ts
 * interface Invoice {
 *   invoiceId: number
 *   total: string
 * }
 *
 * declare module '@x/events-core' {
 *   interface EntityTypes {
 *     Invoice: Invoice
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: hosts merge their entities into it
export interface EntityTypes {}

/** The type of an event's `data` for an entity: what {@link EntityTypes} says, else any JSON. */
export type EntityData<TName extends string> = TName extends keyof EntityTypes
  ? EntityTypes[TName]
  : JsonValue
