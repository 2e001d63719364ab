import type { SyncEvent } from '@x/events-core'
import type { Position } from './event-store.ts'

/** Which part of the log to read again. */
export interface HandledQuery {
  /** Only what is behind this position. */
  readonly position: Position
  /** Only what has a greater sequence. */
  readonly after: number
  /** Events of this tenant, and of all tenants. */
  readonly tenantId: number
  /** At most so many are looked at. */
  readonly limit: number
}

/** A part of the log that somebody has handled. */
export interface HandledEvents {
  readonly events: readonly SyncEvent[]
  /** The sequence to read on after; undefined at the end. */
  readonly last: number | undefined
}
