import type { EventPage, Fence, Position } from '../store/event-store.ts'

/** How far a page was handled. */
export interface PageOutcome {
  /** Everything up to here is handled or parked, and the position saved. */
  readonly position: Position
  /** Whether to read on. Not so when the engine stops or the subscription is blocked. */
  readonly goOn: boolean
}

/** Handles the events of one page under a lease; the page holds at least one that is wanted. */
export type PageHandler = (page: PageUnderLease) => Promise<PageOutcome>

export interface PageUnderLease {
  readonly fence: Fence
  /** Where the page was read from. */
  readonly start: Position
  readonly page: EventPage
  /** Failed tries of the first event that is wanted. */
  readonly failedAttempts: number
  /** Aborted when the engine stops. */
  readonly signal: AbortSignal
}
