import type { Clock, IServiceScopeFactory, Logger } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { EngineObserver } from '../observability/engine-observer.ts'
import type { EventStore } from '../store/event-store.ts'
import type { GivenPositions } from '../store/given-positions.ts'
import type { SubscriptionLease } from '../store/leases.ts'
import type { Fence } from '../store/save-position.ts'
import type { Seen } from '../wake/poller.ts'
import type { WakeSignal } from '../wake/wake-signal.ts'
import type { CallSettings } from './call.ts'
import type { LeaseManager } from './leases.ts'
import type { Subscription } from './subscription.ts'

/** What the runners of one engine work with. */
export interface DistributorRuntime<DB> {
  readonly db: Kysely<DB>
  readonly store: EventStore
  readonly positions: GivenPositions
  readonly leases: LeaseManager
  /** Poked when there may be new events. */
  readonly wake: WakeSignal
  /** What the polls have found until now. */
  lastSeen(): Seen
  /** Looks for news now; resolves when no look is under way. */
  look(): Promise<void>
  /** Poked when a person has changed the state of a subscription in this process. */
  readonly control: WakeSignal
  readonly services: IServiceScopeFactory | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: EngineObserver
  readonly leaseMs: number
  readonly stopTimeoutMs: number
}

/** The settings of the calls of a subscription. */
export function callSettingsOf<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
): CallSettings {
  return {
    subscription: subscription.name,
    observer: subscription.observed ? runtime.observer : undefined,
    services: subscription.scoped ? runtime.services : undefined,
    timeoutMs: subscription.timeoutMs,
    stopTimeoutMs: runtime.stopTimeoutMs,
  }
}

/** The time for rolling back a call that has timed out. */
const ROLLBACK_MS = 1_000

/** How long the transaction of a subscriber may idle, in milliseconds. */
export function idleMsOf<DB>({ timeoutMs }: Subscription<DB>): number {
  return Math.min(timeoutMs + ROLLBACK_MS, 2 ** 31 - 1)
}

/** One subscription at work. */
export interface SubscriptionRunner {
  start(): Promise<void>
  /** Waits for the call under way, saves the position, and releases the lease. */
  stop(): Promise<void>
}

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
