import {
  countChanges,
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
} from '@x/events-engine/internal'
import type {
  JobCursor,
  JobFilter,
  JobKind,
  JobProgress,
  JobRow,
  JobState,
  NewJob,
  StoredJobOptions,
} from '../bulk/job.ts'
import { tenantAuditWriter } from './audit-log.ts'
import type { StoreContext } from './context.ts'

const jobColumns = {
  key: integer,
  id: text,
  tenant_id: integer,
  endpoint_key: integer,
  endpoint_id: nullable(text),
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

const MAX_TAKEN = 100

/**
 * Jobs as they are stored.
 *
 * @param leaseMs - how long a job belongs to a silent node.
 */
export function jobStore({ db, sql, names, nodeId }: StoreContext, leaseMs: number) {
  const audit = tenantAuditWriter({ sql, names })
  const select = `select j.*, e.id as endpoint_id from ${names.job} j left join ${names.endpoint} e on e.key = j.endpoint_key`
  const insert = sql.statement(`insert into ${names.job}
    (id, tenant_id, endpoint_key, kind, options, position, total, created_on, leased_by, leased_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
  const byId = sql.statement(`${select} where j.id = $1`)
  const list =
    sql.statement(`${select} where j.tenant_id = $1 and (e.id = $2 or ${sql.cast('$2', 'text')} is null)
      and j.key < coalesce((select key from ${names.job} where id = $3), ${Number.MAX_SAFE_INTEGER})
    order by j.key desc limit $4`)
  const cancel =
    sql.statement(`update ${names.job} set state = 'cancelled', finished_on = $2, version = version + 1
    where key = $1 and state = 'running'`)
  // The first of each tenant before the second of any: one that has begun hundreds does not hide those of others.
  const running = sql.statement(`${select} join (
      select key, row_number() over (partition by tenant_id order by leased_until, key) as place
      from ${names.job} where state = 'running'
    ) r on r.key = j.key
    where j.state = 'running' order by r.place, j.leased_until, j.key limit ${MAX_TAKEN}`)
  const take = sql.statement(`update ${names.job} set leased_by = $1, leased_until = $2, version = version + 1
    where ${sql.limitsIdle} and key = $3 and version = $4 and state = 'running'`)
  // Behind all that wait, also where the clock was set back meanwhile.
  const release = sql.statement(`update ${names.job} set leased_by = null, leased_until = coalesce((
      select max(w.leased_until) + 1 from ${names.job} w
      where w.state = 'running' and w.leased_by is null and w.leased_until >= $4
    ), $4)
    where key = $1 and version = $2 and leased_by = $3`)
  const save = sql.statement(`update ${names.job}
    set state = $2, position = $3, done = $4, affected = $5, error_message = $6, finished_on = $7 where key = $1`)

  /** When each tenant had a turn here last: one with many jobs is to have no more turns than one with a single job. */
  const lastTurns = new Map<number, number>()
  let turn = 0

  async function one(id: string): Promise<JobRow | undefined> {
    const [row] = await readRows(db, jobColumns, byId, [id])
    return row && jobRowOf(row)
  }

  /** A node that has raised the version meanwhile works on it. */
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
    return holder === nodeId ? !isMine(id) : sql.isLocal && isDeadNeighbour(holder)
  }

  /** As they are to be tried: what a node has kept since it failed there, or since the node was lost, comes last. */
  function inTurn(jobs: readonly StoredJob[], now: number): StoredJob[] {
    const turnOf = ({ tenant_id: tenantId, leased_by: holder, leased_until: until }: StoredJob) =>
      holder !== null && until > now ? turn + 1 : (lastTurns.get(tenantId) ?? 0)
    return [...jobs].sort((one, other) => turnOf(one) - turnOf(other))
  }

  return {
    async createJob(job: NewJob, actor: string | null = null): Promise<JobRow> {
      const { id, tenantId, endpointKey, kind, options, cursor, total, createdOn } = job
      const by = actor === null ? {} : { by: actor }
      const texts = [JSON.stringify({ ...options, ...by }), JSON.stringify(cursor)]
      const lease = [nodeId, createdOn + leaseMs]
      await ownTransaction(db, async (trx) => {
        await runStatement(trx, insert, [
          id,
          tenantId,
          endpointKey,
          kind,
          ...texts,
          total,
          createdOn,
          ...lease,
        ])
        const details = { jobId: id, jobKind: kind }
        await audit(trx, job, { action: 'job_started', actor, details }, createdOn)
      })
      return (await one(id)) as JobRow
    },

    findJob: one,

    async listJobs({ tenantId, endpointId, before, limit }: JobFilter): Promise<JobRow[]> {
      const rows = await readRows(db, jobColumns, list, [tenantId, endpointId ?? null, before ?? null, limit])
      return rows.map(jobRowOf)
    },

    /** Ends a running job; false when it has ended already. */
    cancelJob(
      job: Pick<JobRow, 'key' | 'id' | 'kind' | 'tenantId' | 'endpointKey'>,
      now: number,
      actor: string | null = null,
    ): Promise<boolean> {
      return ownTransaction(db, async (trx) => {
        if ((await countChanges(trx, cancel, [job.key, now])) !== 1) return false
        const details = { jobId: job.id, jobKind: job.kind }
        await audit(trx, job, { action: 'job_cancelled', actor, details }, now)
        return true
      })
    },

    /** Takes a running job that no node works on: of the tenant whose last turn is longest ago, the one that waits longest. */
    async takeJob(isMine: (id: string) => boolean, now: number): Promise<JobRow | undefined> {
      for (const row of inTurn(await readRows(db, jobColumns, running), now)) {
        const job = jobRowOf(row)
        if (!isFree(row, isMine, now) || !(await claim(db, job, now))) continue
        turn += 1
        lastTurns.set(job.tenantId, turn)
        return { ...job, version: job.version + 1 }
      }
      lastTurns.clear()
      return undefined
    },

    /** Lets other nodes take it, once all that wait have had their turn. */
    async releaseJob({ key, version }: JobRow, now: number): Promise<void> {
      await runStatement(db, release, [key, version, nodeId, now])
    },

    /**
     * Makes one step in a transaction, together with the progress that it returns.
     *
     * @returns the job after it; undefined when it was lost to another node, or has ended.
     */
    stepJob(
      job: JobRow,
      now: number,
      step: (trx: SqlExecutor) => Promise<JobProgress>,
    ): Promise<JobRow | undefined> {
      return ownTransaction(db, async (trx) => {
        if (!(await claim(trx, job, now))) return undefined
        const progress = await step(trx)
        const { state, cursor, done, affected, errorMessage } = progress
        const finishedOn = state === 'running' ? null : now
        const position = JSON.stringify(cursor)
        await runStatement(trx, save, [job.key, state, position, done, affected, errorMessage, finishedOn])
        return { ...job, ...progress, finishedOn, version: job.version + 1 }
      })
    },
  }
}

const endedColumns = { key: integer, created_on: integer, finished_on: nullable(integer) }

/** Deletes jobs that have ended. */
export function jobPurgeStore({ db, sql, names }: StoreContext) {
  const next = sql.statement(
    `select key, created_on, finished_on from ${names.job} where key > $1 order by key limit $2`,
  )
  const deleteEnded = sql.statement(`delete from ${names.job} where ${sql.isListed('key', '$1')}`)

  return {
    /**
     * Deletes jobs that ended before a time. Keys ascend with the times of their beginnings, so that no index is needed.
     *
     * @param after - the job to go on after; 0 to begin.
     * @param limit - at most so many are looked at.
     * @returns the last one that was looked at; undefined when none was begun before.
     */
    async purgeJobs(finishedBefore: number, after: number, limit: number): Promise<number | undefined> {
      const rows = await readRows(db, endedColumns, next, [after, limit])
      const begunBefore = rows.filter((row) => row.created_on < finishedBefore)
      // One that runs, however old, has no such time, and nothing runs again once it has ended.
      const ended = begunBefore.filter(({ finished_on: on }) => on !== null && on < finishedBefore)
      if (ended.length > 0) await runStatement(db, deleteEnded, [JSON.stringify(ended.map(({ key }) => key))])
      return begunBefore.at(-1)?.key
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

export type JobStore = ReturnType<typeof jobStore>
