import type { JobKind, JobState, ReplayScope } from './job.ts'

/** The options of a job as they are stored: times are milliseconds. */
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

/** A job as it is stored, with its JSON parsed. */
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
