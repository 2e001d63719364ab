import {
  countChanges,
  type Dialect,
  integer,
  isDeadNeighbour,
  json,
  nullable,
  ownTransaction,
  type RowOf,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
  word,
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { JobKind, JobState } from '../bulk/job.ts'
import { SET_IDLE_LIMIT } from '../postgres/lock-queue.ts'
import type { TableNames } from '../table-names.ts'
import type { JobCursor, JobFilter, JobProgress, JobRow, NewJob, StoredJobOptions } from './job-row.ts'

const jobColumns = {
  key: integer,
  id: text,
  tenant_id: integer,
  endpoint_key: integer,
  endpoint_id: text,
  kind: word<JobKind>(),
  state: word<JobState>(),
  options: json<StoredJobOptions>(),
  position: json<JobCursor>(),
  done: integer,
  total: integer,
  affected: integer,
  error_message: nullable(text),
  created_on: integer,
  finished_on: nullable(integer),
  version: integer,
  leased_by: nullable(text),
  leased_until: integer,
}
type StoredJob = RowOf<typeof jobColumns>

/** Jobs as they are stored. One implementation for both dialects: nothing here is done often. */
export interface JobStore {
  createJob(job: NewJob): Promise<JobRow>
  findJob(id: string): Promise<JobRow | undefined>
  listJobs(filter: JobFilter): Promise<JobRow[]>
  /** Ends a running job; false when it runs no more. */
  cancelJob(key: number, now: number): Promise<boolean>
  /** Takes a running job that nobody works on. */
  takeJob(isMine: (id: string) => boolean, now: number): Promise<JobRow | undefined>
  /** Lets others have it. */
  releaseJob(job: JobRow): Promise<void>
  /**
   * Makes one step in a transaction, together with the progress that it returns.
   *
   * @returns the job after it; undefined when it was lost to another node, or has ended.
   */
  stepJob(
    job: JobRow,
    now: number,
    step: (trx: SqlExecutor) => Promise<JobProgress>,
  ): Promise<JobRow | undefined>
}

const MAX_TAKEN = 100

/** @param leaseMs - how long a job belongs to a node that was not heard of. */
export function jobStatements(
  db: Kysely<unknown>,
  names: TableNames,
  {
    dialect,
    nodeId,
    leaseMs,
  }: { readonly dialect: Dialect; readonly nodeId: string; readonly leaseMs: number },
): JobStore {
  const sql = (text: string) => {
    let number = 0
    return dialect === 'sqlite' ? text : text.replaceAll('?', () => `$${++number}`)
  }
  const select = `select j.*, e.id as endpoint_id from ${names.job} j join ${names.endpoint} e on e.key = j.endpoint_key`
  const insert =
    sql(`insert into ${names.job} (id, tenant_id, endpoint_key, kind, options, position, total, created_on,
      leased_by, leased_until) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const byId = sql(`${select} where j.id = ?`)
  const list = sql(`${select} where j.tenant_id = ? and (e.id = ? or cast(? as text) is null)
      and j.key < coalesce((select key from ${names.job} where id = ?), 9000000000000000)
    order by j.key desc limit ?`)
  const cancel = sql(`update ${names.job} set state = 'cancelled', finished_on = ?, version = version + 1
    where key = ? and state = 'running'`)
  const running = sql(`${select} where j.state = 'running' order by j.leased_until, j.key limit ${MAX_TAKEN}`)
  const take = sql(`update ${names.job} set leased_by = ?, leased_until = ?, version = version + 1
    where key = ? and version = ? and state = 'running'${dialect === 'postgres' ? ` returning ${SET_IDLE_LIMIT}` : ''}`)
  const release = sql(`update ${names.job} set leased_by = null, leased_until = 0
    where key = ? and version = ? and leased_by = ?`)
  const save =
    sql(`update ${names.job} set state = ?, position = ?, done = ?, affected = ?, error_message = ?,
    finished_on = ? where key = ?`)

  async function one(id: string): Promise<JobRow | undefined> {
    const [row] = await readRows(db, jobColumns, byId, [id])
    return row && jobRowOf(row)
  }

  /** Whoever has raised the version meanwhile works on it. */
  async function claim(executor: SqlExecutor, { key, version }: JobRow, now: number): Promise<boolean> {
    return (await countChanges(executor, take, [nodeId, now + leaseMs, key, version])) === 1
  }

  function isFree(
    { id, leased_by: holder, leased_until: until }: StoredJob,
    isMine: (id: string) => boolean,
    now: number,
  ) {
    // No lease is longer: the clock was set back. A step that two nodes make happens once.
    if (holder === null || until <= now || until > now + leaseMs) return true
    // A life of this process that has ended, or begun before the clock was moved.
    return holder === nodeId ? !isMine(id) : dialect === 'sqlite' && isDeadNeighbour(holder)
  }

  return {
    async createJob(job) {
      const { id, tenantId, endpointKey, kind, options, cursor, total, createdOn } = job
      const texts = [JSON.stringify(options), JSON.stringify(cursor)]
      const lease = [nodeId, createdOn + leaseMs]
      await runStatement(db, insert, [id, tenantId, endpointKey, kind, ...texts, total, createdOn, ...lease])
      return (await one(id)) as JobRow
    },

    findJob: one,

    async listJobs({ tenantId, endpointId = null, before = null, limit }) {
      const rows = await readRows(db, jobColumns, list, [tenantId, endpointId, endpointId, before, limit])
      return rows.map(jobRowOf)
    },

    cancelJob: async (key, now) => (await countChanges(db, cancel, [now, key])) === 1,

    async takeJob(isMine, now) {
      for (const row of await readRows(db, jobColumns, running)) {
        const job = jobRowOf(row)
        if (isFree(row, isMine, now) && (await claim(db, job, now)))
          return { ...job, version: job.version + 1 }
      }
      return undefined
    },

    async releaseJob({ key, version }) {
      await runStatement(db, release, [key, version, nodeId])
    },

    stepJob(job, now, step) {
      return ownTransaction(db, async (trx) => {
        if (!(await claim(trx, job, now))) return undefined
        const progress = await step(trx)
        const { state, cursor, done, affected, errorMessage } = progress
        const finishedOn = state === 'running' ? null : now
        const position = JSON.stringify(cursor)
        await runStatement(trx, save, [state, position, done, affected, errorMessage, finishedOn, job.key])
        return { ...job, ...progress, finishedOn, version: job.version + 1 }
      })
    },
  }
}

function jobRowOf(row: StoredJob): JobRow {
  return {
    key: row.key,
    id: row.id,
    tenantId: row.tenant_id,
    endpointKey: row.endpoint_key,
    endpointId: row.endpoint_id,
    kind: row.kind,
    state: row.state,
    options: row.options,
    cursor: row.position,
    done: row.done,
    total: row.total,
    affected: row.affected,
    errorMessage: row.error_message,
    createdOn: row.created_on,
    finishedOn: row.finished_on,
    version: row.version,
  }
}
