import { type FieldNames, isEventTypePattern, isListOf, shown } from '@x/events-core'
import type { EventEngine, IBatchEventSubscriber } from '@x/events-engine'
import { type HandledLog, internalsOf } from '@x/events-engine/internal'
import { readLimit } from '../argument.ts'
import { readActor } from '../audit/audit-log.ts'
import type { SharedClock } from '../clock.ts'
import type { CheckedFilter, StoredFilter } from '../deliveries/read-filter.ts'
import type { ActorScope, TenantScope } from '../endpoints/endpoint.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { tenantOf, validateTenantId } from '../endpoints/validate.ts'
import { assertArgument, WebhookSenderError } from '../errors.ts'
import type { ContentMatcher } from '../fan-out/content-matcher.ts'
import { isUniqueId, uniqueId } from '../ids.ts'
import type { StoreContext } from '../store/context.ts'
import { type JobStore, jobStore } from '../store/jobs.ts'
import type { DeliveryStore } from '../store/store.ts'
import { rangeOfFilter } from './change-filtered.ts'
import type { JobCursor, JobKind, JobRow, ListJobs, StoredJobOptions, WebhookJob } from './job.ts'
import { type AcceptsVariant, createFanOutToOne, createLogReplay } from './replay.ts'
import { createJobRunner, type JobRunner } from './runner.ts'

/**
 * What is done to many deliveries at once: `deliveries.recover`, `replay`, `cancelPending`, `resendMany` and `cancelMany` give jobs. They
 * go on after a restart, on whichever node is there, and take turns. Those that have ended are kept for `retentionDays`. Each method
 * that takes an id can be narrowed to a tenant.
 *
 * @example
 * ```ts
 * import type { WebhookSender } from '@x/sender'
 *
 * async function progressOf(sender: WebhookSender, jobId: string): Promise<string> {
 *   const { state, done, total } = await sender.jobs.get(jobId)
 *   return state === 'running' ? `${Math.floor((done / total) * 100)} %` : state
 * }
 * ```
 */
export interface Jobs {
  /** @throws WebhookSenderError `job_not_found` */
  get(id: string, scope?: TenantScope): Promise<WebhookJob>
  /** @throws WebhookSenderError `invalid_argument`, `job_not_found` for `before` */
  list(query: ListJobs): Promise<readonly WebhookJob[]>
  /**
   * Stops a job; what it has done stays done. One that runs no more is left as it is.
   *
   * @throws WebhookSenderError `job_not_found`
   */
  cancel(id: string, scope?: ActorScope): Promise<WebhookJob>
}

/** What {@link createJobs} works with. */
export interface JobsParts {
  readonly store: DeliveryStore
  readonly stored: JobStore
  readonly clock: SharedClock
  readonly log: HandledLog
  readonly runner: JobRunner
}

const LIST: FieldNames<ListJobs> = {
  tenantId: true,
  endpointId: true,
  before: true,
  limit: true,
}
const MAX_EVENT_TYPES = 100
// Events of a moment may have been written down in another order than their clocks say.
const DISORDER_MS = 60_000
const NO_WINDOW = { after: 0, upto: 0, count: 0 }

/** Creates the jobs of a sender, and what begins them. */
function createJobs({ store, stored, clock, log, runner }: JobsParts) {
  async function find(id: string, scope?: TenantScope): Promise<JobRow> {
    const tenantId = tenantOf(scope)
    const row = isUniqueId('job_', id) ? await stored.findJob(id) : undefined
    if (row && (tenantId === undefined || row.tenantId === tenantId)) return row
    throw new WebhookSenderError('job_not_found', `There is no job ${shown(id)}.`, {
      remedy: 'jobs.list() tells which there are.',
    })
  }

  const jobs: Jobs = {
    async get(id, scope) {
      return jobOf(await find(id, scope))
    },
    async list(query) {
      const { endpointId, before, limit, ...scope } = assertArgument.fields('', query, LIST)
      const tenantId = validateTenantId(scope.tenantId)
      const isText = endpointId === undefined || typeof endpointId === 'string'
      assertArgument(isText, 'endpointId', 'the id of an endpoint', endpointId)
      if (before !== undefined) await find(before, { tenantId })
      if (endpointId !== undefined && !isUniqueId('ep_', endpointId)) return []
      const rows = await stored.listJobs({
        tenantId,
        endpointId,
        before,
        limit: readLimit(limit),
      })
      return rows.map(jobOf)
    },
    async cancel(id, scope) {
      const actor = readActor(scope)
      await stored.cancelJob(await find(id, scope), clock.now(), actor)
      return jobOf(await find(id, scope))
    },
  }

  async function rangeOf(kind: JobKind, key: number, options: StoredJobOptions) {
    const state = kind === 'recover' ? 'exhausted' : kind === 'cancel' ? 'pending' : undefined
    const window = await store.windowOf(key, state, options)
    const { after, upto, count } = options.include === 'missing' ? NO_WINDOW : window
    const cursor: JobCursor = { message: after, lastMessage: upto }
    const range = kind === 'replay' ? await log.rangeSince(options.since ?? 0) : undefined
    if (!range) return { cursor, total: count }
    const stored = await storedRangeOf(options)
    const total = count + (stored.last - stored.after) + Math.max(0, range.last - range.after)
    return { cursor: { ...cursor, stored, log: range }, total }
  }

  /** Where messages lie whose events the log may have dropped. */
  async function storedRangeOf({ since = 0, until }: StoredJobOptions) {
    const raisedBefore = (await log.oldestOn()) ?? null
    if (raisedBefore !== null && raisedBefore + DISORDER_MS <= since)
      return { after: 0, last: 0, raisedBefore }
    return { ...(await store.messagesOf({ since, until })), raisedBefore }
  }

  /** Begins a job on what a filter lets through; the same. */
  async function beginFiltered(
    kind: 'resend' | 'cancel',
    endpoint: EndpointRow | undefined,
    filter: CheckedFilter,
    actor: string | null,
  ): Promise<WebhookJob> {
    await clock.sync()
    const now = clock.now()
    // What comes while the job runs is not its own.
    const { tenantId, ...bounded } = { ...filter, createdBefore: filter.createdBefore ?? now + 1 }
    const { cursor, total } = await rangeOfFilter(store, { ...bounded, tenantId })
    const endpointKey = endpoint?.key ?? 0
    const options = { filter: bounded }
    const id = uniqueId('job_', now)
    const job = { id, tenantId, endpointKey, kind, options, cursor, total, createdOn: now }
    return jobOf(await runner.begin(job, actor))
  }

  /** Begins a job; a small one has come to its end when this resolves. */
  async function begin(
    kind: JobKind,
    endpoint: EndpointRow,
    options: StoredJobOptions,
    actor: string | null,
  ): Promise<WebhookJob> {
    await clock.sync()
    const now = clock.now()
    // What comes while the job runs is not its own.
    const bounded = { ...options, until: options.until ?? now + 1 }
    const { cursor, total } = await rangeOf(kind, endpoint.key, bounded)
    const id = uniqueId('job_', now)
    const { key: endpointKey, tenantId } = endpoint
    const job = { id, tenantId, endpointKey, kind, options: bounded, cursor, total, createdOn: now }
    return jobOf(await runner.begin(job, actor))
  }

  return { jobs, begin, beginFiltered }
}

/** @throws WebhookSenderError `invalid_argument` */
export function validateEventTypes(eventTypes: unknown): readonly string[] | undefined {
  if (eventTypes === undefined) return undefined
  const fits =
    isListOf(eventTypes, isPattern) && eventTypes.length >= 1 && eventTypes.length <= MAX_EVENT_TYPES
  const expected = `1 to ${MAX_EVENT_TYPES} event types or patterns such as 'File.*'`
  assertArgument(fits, 'eventTypes', expected, eventTypes)
  return eventTypes
}

function isPattern(text: unknown): text is string {
  return typeof text === 'string' && isEventTypePattern(text)
}

function jobOf(row: JobRow): WebhookJob {
  const { since, until, filter, by: _by, ...options } = row.options
  return {
    id: row.id,
    kind: row.kind,
    tenantId: row.tenantId,
    ...(row.endpointId === null ? {} : { endpointId: row.endpointId }),
    state: row.state,
    options: {
      ...(since === undefined ? {} : { since: new Date(since) }),
      ...(until === undefined ? {} : { until: new Date(until) }),
      ...options,
      ...(filter === undefined ? {} : { filter: shownFilter(filter) }),
    },
    done: row.done,
    total: row.total,
    affected: row.affected,
    createdOn: new Date(row.createdOn),
    ...(row.finishedOn === null ? {} : { finishedOn: new Date(row.finishedOn) }),
    ...(row.errorMessage === null ? {} : { errorMessage: row.errorMessage }),
  }
}

function shownFilter({ states, createdAfter, createdBefore, ...filter }: StoredFilter) {
  return {
    ...filter,
    ...(states === undefined ? {} : { state: states }),
    ...(createdAfter === undefined ? {} : { createdAfter: new Date(createdAfter) }),
    ...(createdBefore === undefined ? {} : { createdBefore: new Date(createdBefore) }),
  }
}

/** What {@link createBulkWork} needs. */
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

// The lease of a job lasts for so many of an endpoint's, since some of its steps take long.
const LEASES = 5

/** Creates the jobs, and the runner that works on them. */
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
