import type { DeliveryFilter } from '../deliveries/delivery.ts'
import type { StoredFilter } from '../deliveries/read-filter.ts'

/** What a job does: `resend`, to what a filter lets through; `recover` and `replay`, to one endpoint's; `cancel`, either. */
export type JobKind = 'recover' | 'replay' | 'cancel' | 'resend'

/**
 * The state of a job. `succeeded`: it has finished. `cancelled`: a person has stopped it; its changes remain. `failed`:
 * its endpoint was deleted or disabled before the end.
 */
export type JobState = 'running' | 'succeeded' | 'cancelled' | 'failed'

/**
 * Which events an endpoint receives once more. `all`: also those whose delivery succeeded. `unsuccessful`: those without
 * a successful delivery, whether it failed, was cancelled, or never existed. `missing`: only those that have no delivery,
 * because the endpoint did not exist, was disabled, or did not subscribe to them then.
 */
export type ReplayScope = 'all' | 'unsuccessful' | 'missing'

/** The options of a job. */
export interface JobOptions {
  readonly since?: Date
  readonly until?: Date
  readonly eventTypes?: readonly string[]
  readonly include?: ReplayScope
  /** Which deliveries, for a job that was begun by `resendMany` or `cancelMany`. */
  readonly filter?: Omit<DeliveryFilter, 'tenantId'>
}

/** A change of many deliveries, made step by step. It continues after a restart. */
export interface WebhookJob {
  /** `job_` and a UUID. */
  readonly id: string
  readonly kind: JobKind
  readonly tenantId: number
  /** Absent where it is about those of several. */
  readonly endpointId?: string
  readonly state: JobState
  readonly options: JobOptions
  /** How much of `total` is done. */
  readonly done: number
  /** How many deliveries and events the job has to check, approximately. */
  readonly total: number
  /** Deliveries that were cancelled, or are sent once more. */
  readonly affected: number
  readonly createdOn: Date
  /** When it finished; absent while it runs. */
  readonly finishedOn?: Date
  /** Why it has failed. */
  readonly errorMessage?: string
}

/** Which jobs to list: the newest first. */
export interface ListJobs {
  readonly tenantId: number
  readonly endpointId?: string | undefined
  /** The id of the last job of the page before. */
  readonly before?: string | undefined
  /**
   * 1 to 250.
   * @defaultValue 50
   */
  readonly limit?: number | undefined
}

/** The options of a job as they are stored: times are milliseconds. */
export interface StoredJobOptions {
  readonly since?: number
  readonly until?: number
  readonly eventTypes?: readonly string[]
  readonly include?: ReplayScope
  readonly filter?: StoredFilter
  /** Who has begun it. */
  readonly by?: string
}

/** Where a job is, and how far it has to go. */
export interface JobCursor {
  /** Deliveries: messages after the first, up to the last. */
  readonly message: number
  readonly lastMessage: number
  /** With a filter: whose deliveries were read last, endpoint by endpoint, and where those of each begin. */
  readonly endpoint?: { readonly key: number; readonly first: number }
  /**
   * Messages of others, for a replay of what the log has dropped: after the first, up to the last, about events from
   * before a time; null for all.
   */
  readonly stored?: { readonly after: number; readonly last: number; readonly raisedBefore: number | null }
  /** The event log, for a replay: sequences after the first, up to the last, behind a position. */
  readonly log?: { readonly after: number; readonly last: number; readonly position: string }
}

/** What a step changes about its job. */
export interface JobProgress {
  readonly state: JobState
  readonly cursor: JobCursor
  readonly done: number
  readonly affected: number
  readonly errorMessage: string | null
}

/** A job as it is stored, with its JSON parsed. */
export interface JobRow extends JobProgress {
  readonly key: number
  readonly id: string
  readonly tenantId: number
  /** 0 for several. */
  readonly endpointKey: number
  readonly endpointId: string | null
  readonly kind: JobKind
  readonly options: StoredJobOptions
  readonly total: number
  readonly createdOn: number
  readonly finishedOn: number | null
  /** Incremented by every step and takeover. A node with an older revision has lost the job. */
  readonly version: number
}

/** What a new job starts with. */
export type NewJob = Pick<
  JobRow,
  'id' | 'tenantId' | 'endpointKey' | 'kind' | 'options' | 'cursor' | 'total' | 'createdOn'
>

/** Which jobs to list. */
export interface JobFilter {
  readonly tenantId: number
  readonly endpointId: string | undefined
  readonly before: string | undefined
  readonly limit: number
}
