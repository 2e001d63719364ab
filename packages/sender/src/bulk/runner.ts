import type { Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import type { SharedClock } from '../clock.ts'
import type { ContentMatcher } from '../fan-out/content-matcher.ts'
import type { JobStore } from '../store/jobs.ts'
import type { DeliveryStore } from '../store/store.ts'
import { changeMany } from './change.ts'
import { changeFiltered } from './change-filtered.ts'
import type { JobProgress, JobRow, NewJob } from './job.ts'
import { type AcceptsVariant, type PreparedStep, replayStored } from './replay.ts'

/** Works on jobs step by step. Each step is a transaction, which also saves how far the job has come. */
export interface JobRunner {
  /** Stores a job and makes its first step. The rest follows in the background. */
  begin(job: NewJob, actor: string | null): Promise<JobRow>
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
/** Jobs take turns of so many steps: one may have thousands of them, and others are not to wait for its end. */
const STEPS_A_TURN = 10

/** Creates the runner. It takes over jobs of other nodes when their lease has ended. */
export function createJobRunner(parts: JobRunnerParts): JobRunner {
  const { store, jobs, clock, logger, accepts, contents, replayLog, changed } = parts
  /** Ids of the jobs that run here, known before a job is stored, so that this node does not take one twice. */
  const mine = new Set<string>()
  const loop = createPeriodic({
    run: work,
    failed: (error) => logger.warn({ err: error }, 'A job about webhooks failed; trying again'),
    everyMs: LOOK_EVERY_MS,
  })

  async function stepOnce(job: JobRow): Promise<JobRow | undefined> {
    await clock.sync()
    const next = await nextStep(job)
    if (next && next.affected > job.affected) changed(next.cursor.endpoint?.key ?? job.endpointKey)
    return next
  }

  function nextStep(job: JobRow): Promise<JobRow | undefined> {
    const { message, lastMessage, stored, log } = job.cursor
    const now = clock.now()
    if (job.options.filter) return jobs.stepJob(job, now, (trx) => changeFiltered(store, trx, job, now))
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

  async function runTurn(job: JobRow, signal: AbortSignal): Promise<void> {
    let current: JobRow | undefined = job
    mine.add(job.id)
    try {
      for (let step = 0; step < STEPS_A_TURN; step++) {
        if (signal.aborted || current?.state !== 'running') break
        current = await stepOnce(current)
        // Other work gets its turn: on SQLite everything shares one connection.
        await new Promise(setImmediate)
      }
      if (current?.state === 'running') await jobs.releaseJob(current, clock.now())
    } finally {
      mine.delete(job.id)
    }
  }

  async function work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const job = await jobs.takeJob((id) => mine.has(id), clock.now())
      if (!job) return
      await runTurn(job, signal)
    }
  }

  return {
    async begin(newJob, actor) {
      mine.add(newJob.id)
      try {
        const job = await jobs.createJob(newJob, actor)
        const next = await stepOnce(job)
        if (!next) return (await jobs.findJob(job.id)) ?? job
        if (next.state === 'running') await jobs.releaseJob(next, clock.now())
        return next
      } finally {
        mine.delete(newJob.id)
        void loop.now()
      }
    },
    start: loop.start,
    stop: loop.stop,
  }
}

function failed({ cursor, done, affected, endpointId }: JobRow, state: string): JobProgress {
  const errorMessage = `The endpoint ${endpointId} was ${state} meanwhile.`
  return { state: 'failed', cursor, done, affected, errorMessage }
}
