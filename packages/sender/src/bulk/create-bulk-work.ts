import type { EventEngine, IBatchEventSubscriber } from '@x/events-engine'
import { createHandledLog } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { SharedClock } from '../clock.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import { jobStatements } from '../jobs/job-statements.ts'
import type { TableNames } from '../table-names.ts'
import { createFanOutToOne } from './fan-out-to-one.ts'
import { createJobs } from './jobs.ts'
import { createLogReplay } from './replay.ts'
import type { AcceptsVariant } from './replay-stored.ts'
import { createJobRunner } from './runner.ts'

/** What {@link createBulkWork} works with. */
export interface BulkWorkParts<DB> {
  readonly engine: EventEngine<DB>
  /** The durable subscription that fans events out. */
  readonly subscription: string
  readonly store: DeliveryStore
  readonly db: Kysely<unknown>
  readonly names: TableNames
  readonly clock: SharedClock
  readonly leaseMs: number
  readonly accepts: AcceptsVariant
  /** Creates what fans events out, on a store. */
  createSubscriber(store: DeliveryStore): IBatchEventSubscriber<DB>
  /** Called when deliveries of an endpoint have become due, or were cancelled. */
  changed(endpointKey: number): void
}

// How much longer a job belongs to a silent node than an endpoint: some of its steps take long.
const LEASES = 5

/** Creates everything that does something to many deliveries at once. */
export function createBulkWork<DB>(parts: BulkWorkParts<DB>) {
  const { engine, subscription, store, db, names, clock, leaseMs, createSubscriber } = parts
  const { dialect, nodeId, logger } = engine
  const stored = jobStatements(db, names, { dialect, nodeId, leaseMs: leaseMs * LEASES })
  const log = createHandledLog(engine, subscription)
  const fanOutTo = createFanOutToOne(store, createSubscriber)
  const replayLog = createLogReplay<DB>({ store, log, logger, fanOutTo })
  const runner = createJobRunner({ ...parts, jobs: stored, logger, replayLog })
  return { runner, ...createJobs({ store, stored, clock, log, runner }) }
}
