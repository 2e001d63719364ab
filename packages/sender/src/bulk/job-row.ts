import type { JobKind, JobState, ReplayScope } from './job.ts'

/** What a job was asked to do, as it is stored: times are milliseconds. */
export interface StoredJobOptions {
  readonly since?: number
  readonly until?: number
  readonly eventTypes?: readonly string[]
  readonly include?: ReplayScope
}

/** Where a job is, and how far it has to go. */
export interface JobCursor {
  /** Deliveries: messages after the first, up to the last. */
  readonly message: number
  readonly lastMessage: number
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

/** A job as it is stored; what is JSON in the database is read. */
export interface JobRow extends JobProgress {
  readonly key: number
  readonly id: string
  readonly tenantId: number
  readonly endpointKey: number
  readonly endpointId: string
  readonly kind: JobKind
  readonly options: StoredJobOptions
  readonly total: number
  readonly createdOn: number
  readonly finishedOn: number | null
  /** Rises with every step and every taking: whoever names an older one has lost the job. */
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
