import type { Logger } from '@x/events-core'
import type { SharedClock } from '../clock.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import type { ContentMatcher } from '../fan-out/content-matcher.ts'
import type { JobStore } from '../store/jobs.ts'
import { changeMany } from './change.ts'
import type { JobProgress, JobRow, NewJob } from './job-row.ts'
import { type AcceptsVariant, type PreparedStep, replayStored } from './replay.ts'

/** Works on jobs, one step after the other, each in a transaction that also says how far it has come. */
export interface JobRunner {
  /** Stores a job, makes its first step, and goes on with the rest by itself. */
  begin(job: NewJob): Promise<JobRow>
  start(): void
  stop(): Promise<void>
}

/** What {@link createJobRunner} works with. */
export interface JobRunnerParts {
  readonly store: DeliveryStore
  readonly jobs: JobStore
  readonly clock: SharedClock
  readonly logger: Logger
  readonly accepts: AcceptsVariant
  readonly contents: ContentMatcher
  replayLog<TResult>(job: JobRow, make: (step: PreparedStep) => Promise<TResult>): Promise<TResult>
  /** Called when deliveries have become due, or were cancelled. */
  changed(endpointKey: number): void
}

const LOOK_EVERY_MS = 2_000

/** Jobs that other nodes have left are taken over when their lease has ended. */
export function createJobRunner(parts: JobRunnerParts): JobRunner {
  const { store, jobs, clock, logger, accepts, contents, replayLog, changed } = parts
  /** Ids: known before a job is stored, so that nobody here takes it for one of an earlier life. */
  const mine = new Set<string>()
  let running = false
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> | undefined

  async function stepOnce(job: JobRow): Promise<JobRow | undefined> {
    await clock.sync()
    const next = await nextStep(job)
    if (next && next.affected > job.affected) changed(job.endpointKey)
    return next
  }

  function nextStep(job: JobRow): Promise<JobRow | undefined> {
    const { message, lastMessage, stored, log } = job.cursor
    const now = clock.now()
    if (message < lastMessage) return inTransaction(job, (trx) => changeMany(store, trx, job, now))
    if (stored && stored.after < stored.last) {
      return inTransaction(job, (trx) => replayStored(store, trx, { job, now, accepts, contents }))
    }
    if (log) return replayLog(job, (step) => inTransaction(job, step))
    return inTransaction(job, (trx) => changeMany(store, trx, job, now))
  }

  function inTransaction(job: JobRow, step: PreparedStep): Promise<JobRow | undefined> {
    return jobs.stepJob(job, clock.now(), async (trx) => {
      const state = await store.lockEndpoint(trx, job.endpointKey)
      if (state === 'deleted' || (state === 'disabled' && job.kind === 'replay')) return failed(job, state)
      return step(trx)
    })
  }

  async function run(job: JobRow): Promise<void> {
    let current: JobRow | undefined = job
    mine.add(job.id)
    try {
      while (running && current?.state === 'running') {
        current = await stepOnce(current)
        // Others get their turn: on SQLite they share the one connection.
        await new Promise(setImmediate)
      }
      if (current?.state === 'running') await jobs.releaseJob(current)
    } finally {
      mine.delete(job.id)
    }
  }

  async function work(): Promise<void> {
    try {
      while (running) {
        const job = await jobs.takeJob((id) => mine.has(id), clock.now())
        if (!job) break
        await run(job)
      }
    } catch (error) {
      logger.warn({ err: error }, 'A job about webhooks could not go on; trying again')
    }
  }

  function look(): void {
    clearTimeout(timer)
    if (!running) return
    working ??= work().finally(() => {
      working = undefined
      if (running) timer = setTimeout(look, LOOK_EVERY_MS)
    })
  }

  return {
    async begin(newJob) {
      mine.add(newJob.id)
      try {
        const job = await jobs.createJob(newJob)
        const next = await stepOnce(job)
        if (!next) return (await jobs.findJob(job.id)) ?? job
        if (next.state === 'running') await jobs.releaseJob(next)
        return next
      } finally {
        mine.delete(newJob.id)
        look()
      }
    },
    start() {
      running = true
      look()
    },
    async stop() {
      running = false
      clearTimeout(timer)
      await working
    },
  }
}

function failed({ cursor, done, affected, endpointId }: JobRow, state: string): JobProgress {
  const errorMessage = `The endpoint ${endpointId} was ${state} meanwhile.`
  return { state: 'failed', cursor, done, affected, errorMessage }
}
