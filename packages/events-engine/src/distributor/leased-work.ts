import type { Fence, SubscriptionLease } from '../store/event-store.ts'

/** Handles events of a subscription for as long as this node holds its lease. */
export type LeasedWork = (leased: LeasedSubscription) => Promise<void>

export interface LeasedSubscription {
  readonly fence: Fence
  readonly lease: SubscriptionLease
  /** Aborted when the engine stops. */
  readonly signal: AbortSignal
  /**
   * Whether to continue.
   *
   * @throws EventEngineError `lease_lost`
   */
  goOn(): boolean
  /** Waits before a retry, at most until a person changes a subscription or the lease ends. */
  pause(ms: number): Promise<void>
}
