/** What a job does to the deliveries of one endpoint. */
export type JobKind = 'recover' | 'replay' | 'cancel'

/**
 * How a job stands. `succeeded`: it has come to its end. `cancelled`: a person has stopped it; what it had
 * done stays done. `failed`: its endpoint was deleted or disabled meanwhile.
 */
export type JobState = 'running' | 'succeeded' | 'cancelled' | 'failed'

/**
 * Which of its deliveries and events an endpoint gets once more. `all`: those that it has got, too.
 * `unsuccessful`: those that it has not got, whether it failed, was cancelled, or was never tried. `missing`: only those
 * that it was never to get, because it did not exist, was disabled, or did not want them then.
 */
export type ReplayScope = 'all' | 'unsuccessful' | 'missing'

/** What a job was asked to do. */
export interface JobOptions {
  readonly since?: Date
  readonly until?: Date
  readonly eventTypes?: readonly string[]
  readonly include?: ReplayScope
}

/** Something that is done to many deliveries, step by step, and goes on after a restart. */
export interface WebhookJob {
  /** `job_` and a UUID. */
  readonly id: string
  readonly kind: JobKind
  readonly tenantId: number
  readonly endpointId: string
  readonly state: JobState
  readonly options: JobOptions
  /** How much of `total` was looked at. */
  readonly done: number
  /** How many deliveries and events there are to look at, about. */
  readonly total: number
  /** Deliveries that were cancelled, or are sent once more. */
  readonly affected: number
  readonly createdOn: Date
  /** When it came to its end; absent while it runs. */
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
