import type { EventEngine, IBatchEventSubscriber } from '@x/events-engine'
import { internalsOf } from '@x/events-engine/support'
import type { DeliveryStore } from '../delivery-store.ts'
import type { ContentMatcher } from '../fan-out/content-matcher.ts'
import type { StoreContext } from '../store/context.ts'
import { jobStore } from '../store/jobs.ts'
import { createJobs } from './jobs.ts'
import { type AcceptsVariant, createFanOutToOne, createLogReplay } from './replay.ts'
import { createJobRunner } from './runner.ts'

/** What {@link createBulkWork} works with. */
export interface BulkWorkParts<DB> {
  readonly engine: EventEngine<DB>
  /** The durable subscription that fans events out. */
  readonly subscription: string
  readonly store: DeliveryStore
  readonly context: StoreContext
  readonly leaseMs: number
  readonly accepts: AcceptsVariant
  readonly contents: ContentMatcher
  /** Creates what fans events out, on a store. */
  createSubscriber(store: DeliveryStore): IBatchEventSubscriber<DB>
  /** Called when deliveries of an endpoint have become due, or were cancelled. */
  changed(endpointKey: number): void
}

// How much longer a job belongs to a silent node than an endpoint: some of its steps take long.
const LEASES = 5

/** Creates everything that does something to many deliveries at once. */
export function createBulkWork<DB>(parts: BulkWorkParts<DB>) {
  const { engine, subscription, store, context, leaseMs, createSubscriber } = parts
  const { logger } = engine
  const { clock } = context
  const stored = jobStore(context, leaseMs * LEASES)
  const log = internalsOf(engine).handledLog(subscription)
  const fanOutTo = createFanOutToOne(store, createSubscriber)
  const replayLog = createLogReplay<DB>({ store, log, logger, fanOutTo })
  const runner = createJobRunner({ ...parts, clock, jobs: stored, logger, replayLog })
  return { runner, ...createJobs({ store, stored, clock, log, runner }) }
}
