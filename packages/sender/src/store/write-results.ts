import {
  createRowsStatement,
  flag,
  type Parameter,
  readRows,
  runStatement,
  type SqlExecutor,
} from '@x/events-engine/internal'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { countersOf, packCounters } from '../statistics/counters.ts'
import type { StoreContext } from './context.ts'
import { lockQueueQuery, queueStatements } from './queue.ts'

const ATTEMPT_TYPES = {
  endpoint_key: 'integer',
  message_key: 'integer',
  number: 'integer',
  started_on: 'integer',
  duration_ms: 'integer',
  url: 'text',
  signature: 'text',
  status: 'integer',
  error_code: 'text',
  error_message: 'text',
  response_body: 'text',
  details: 'text',
} as const
const ATTEMPT_COLUMNS = Object.keys(ATTEMPT_TYPES) as (keyof typeof ATTEMPT_TYPES)[]
/** Those of attempts that succeed. */
export const SUCCESS_COLUMNS = ATTEMPT_COLUMNS.filter((name) => !name.startsWith('error_'))

/** What was written of some results. */
interface WrittenResults {
  /** Those whose leases are held. */
  readonly held: readonly AttemptResult[]
  /** Whether they were not written before. */
  readonly isNew: boolean
}

/** Locks endpoints' rows in the queue, and writes the results whose leases are held. */
type WriteResults = (
  trx: SqlExecutor,
  results: readonly AttemptResult[],
  endpointKeys: readonly number[],
  now: number,
) => Promise<WrittenResults>

/** The statements that write attempts, with what they change of deliveries, and count them. */
export function resultWrites(context: StoreContext): {
  readonly write: WriteResults
  /** For successes alone, in one statement; undefined where queries cannot write. */
  readonly writeSuccesses: ReturnType<typeof createSuccessWrite> | undefined
} {
  if (!context.sql.hasWritingQueries) return { write: createWriteInSteps(context), writeSuccesses: undefined }
  return { write: createWriteAtOnce(context), writeSuccesses: createSuccessWrite(context) }
}

/**
 * SQL: what a result `r` changes of its delivery `d`. When the due time was changed during the attempt, a person wants
 * another, or when it was cancelled, none: a failure leaves that be. In an ordering key, one that a person has asked for goes
 * back to its place.
 */
const changesOf = ({ sql }: StoreContext) => `
      attempt_count = r.number,
      step = case when d.due_on = r.was_due_on then r.step else d.step end,
      state = case when r.state = 'succeeded' or (d.state = 'pending' and d.due_on = r.was_due_on) then r.state else d.state end,
      due_on = case when ${sql.differs('d.due_on', 'r.was_due_on')} then d.due_on
        when r.counted and r.state = 'pending' and d.manual is not null and d.ordering_key is not null then null
        else coalesce(r.due_on, d.due_on) end,
      manual = case when r.state = 'succeeded' or (r.counted and d.due_on = r.was_due_on) then null else d.manual end,
      finished_on = case when r.state = 'succeeded'
        or (d.state = 'pending' and d.due_on = r.was_due_on and r.state <> 'pending') then ${sql.cast('$2', 'integer')} else d.finished_on end,
      last_status = r.status,
      last_error_code = r.error_code`

/**
 * SQL: what a success `r` changes of its delivery `d`.
 *
 * @param now - the parameter of the time.
 */
export const successOf = (now: string): string => `
      attempt_count = r.number,
      step = case when d.due_on = r.was_due_on then r.step else d.step end,
      state = 'succeeded',
      manual = null,
      finished_on = ${now}::bigint,
      last_status = r.status,
      last_error_code = null`

/** Results as one parameter, see {@link rowOf}. */
export const resultRecords = ({ sql }: Pick<StoreContext, 'sql'>) =>
  sql.records({
    ...ATTEMPT_TYPES,
    epoch: 'integer',
    step: 'integer',
    state: 'text',
    was_due_on: 'integer',
    due_on: 'integer',
    counted: 'flag',
  })

/** SQL: whether a result `r` may change its delivery `d`. */
// No plain condition: where few are pending by the statistics, which may be old, the planner of PostgreSQL would begin there,
// and go through the results for each. It has to look up each result's row.
// What was written before, and is tried again since its response was lost, does not undo what a person has asked for since.
export const IS_OPEN = `case when d.state in ('pending', 'cancelled') and (d.attempt_count < r.number or not r.counted)
      then true else false end`

/** Statement by statement. */
function createWriteInSteps(context: StoreContext): WriteResults {
  const { sql, names } = context
  const { lockQueue } = queueStatements(context)
  const columns = ATTEMPT_COLUMNS.join(', ')
  const insert = createRowsStatement(sql, {
    given: ATTEMPT_TYPES,
    columns: {},
    // A `where` tells SQLite that what follows is no condition of a join.
    write: (rows) => `insert into ${names.attempt} (${columns})
      select ${columns} from ${rows} where true${sql.upsert({ key: 'message_key, endpoint_key, number' })}`,
  })
  const changes = sql.records({
    endpoint_key: 'integer',
    message_key: 'integer',
    number: 'integer',
    step: 'integer',
    state: 'text',
    was_due_on: 'integer',
    due_on: 'integer',
    status: 'integer',
    error_code: 'text',
    counted: 'flag',
  })
  const update = sql.statement(`with r as materialized (select * from ${changes.table('$1', 'given')})
    update ${names.delivery} as d set ${changesOf(context)}
    from r where d.endpoint_key = r.endpoint_key and d.message_key = r.message_key and ${IS_OPEN}`)
  const insertCounters = sql.statement(`insert into ${names.counter} (body) values ($1)`)

  return async (trx, results, endpointKeys, now) => {
    const held = heldOf(results, await lockQueue(trx, endpointKeys))
    if (held.length === 0) return { held, isNew: false }
    const rows = held.map(rowOf)
    const attempts = rows.filter(({ counted }) => counted)
    if (attempts.length > 0) await insert(trx, [], attempts)
    await runStatement(trx, update, [changes.encode(rows), now])
    const counted = packCounters(countersOf(held))
    if (counted !== '') await runStatement(trx, insertCounters, [counted])
    return { held, isNew: true }
  }
}

/**
 * One round trip, unless a lease is lost: then the results are written without those of that lease. Results that were
 * written before, whose COMMIT was answered too late, are not counted again.
 */
function createWriteAtOnce(context: StoreContext): WriteResults {
  const { sql, names } = context
  const { lockQueue } = queueStatements(context)
  const records = resultRecords(context)
  const columns = ATTEMPT_COLUMNS.join(', ')
  const statement = sql.statement(`with locked as materialized (
      ${lockQueueQuery(context, '$4')}
    ), given as materialized (
      select * from ${records.table('$1', 'g')}
    ), fence as materialized (
      select count(locked.epoch) = count(*) as counts
      from given left join locked on locked.endpoint_key = given.endpoint_key and locked.epoch = given.epoch
    ), r as materialized (
      select given.* from given cross join fence where counts
    ), attempts as (
      insert into ${names.attempt} (${columns}) select ${columns} from r where counted
      on conflict do nothing returning 1
    ), novelty as (
      select exists (select from attempts) or not exists (select from r where counted) as is_new
    ), counters as (
      insert into ${names.counter} (body) select $3::text from novelty cross join fence
      where counts and is_new and $3::text <> ''
    ), written as (
      update ${names.delivery} as d set ${changesOf(context)}
      from r where d.endpoint_key = r.endpoint_key and d.message_key = r.message_key and ${IS_OPEN}
    )
    select counts, is_new from novelty cross join fence`)

  return async (trx, results, endpointKeys, now) => {
    let held = results
    for (;;) {
      const values = [
        records.encode(held.map(rowOf)),
        now,
        packCounters(countersOf(held)),
        JSON.stringify(endpointKeys),
      ]
      const [row] = await readRows(trx, { counts: flag, is_new: flag }, statement, values)
      if (row?.counts) return { held, isNew: held.length > 0 && row.is_new }
      // The rows are locked by now: no other lease is lost.
      held = heldOf(results, await lockQueue(trx, endpointKeys))
    }
  }
}

function heldOf(
  results: readonly AttemptResult[],
  epochs: ReadonlyMap<number, number>,
): readonly AttemptResult[] {
  return results.filter(({ endpointKey, epoch }) => epochs.get(endpointKey) === epoch)
}

/**
 * For successes alone: one statement, without a transaction around it. The rows of results of other leases stay as they
 * are, and so do all others then: none is recorded.
 *
 * @returns the deliveries that are due now since those before them are done: none. Undefined when nothing was written, since
 *   one of the leases is of another epoch.
 */
function createSuccessWrite(context: StoreContext) {
  const { db, sql, names } = context
  const records = resultRecords(context)
  const columns = SUCCESS_COLUMNS.join(', ')
  const statement = sql.statement(`with r as materialized (
      select * from ${records.table('$1', 'r')}
    ), held as materialized (
      select q.endpoint_key, q.epoch from ${names.queue} q where q.endpoint_key = any(array(select endpoint_key from r))
      order by q.endpoint_key for key share of q
    ), fence as materialized (
      select count(held.epoch) = count(*) as counts
      from r left join held on held.endpoint_key = r.endpoint_key and held.epoch = r.epoch
    ), attempts as (
      insert into ${names.attempt} (${columns}) select ${columns} from r cross join fence where counts
      on conflict do nothing returning 1
    ), counters as (
      insert into ${names.counter} (body) select $3::text where exists (select from attempts) and $3::text <> ''
    ), written as (
      update ${names.delivery} d set ${successOf('$2')}
      from r cross join fence
      where counts and d.endpoint_key = r.endpoint_key and d.message_key = r.message_key
        and ${IS_OPEN}
    )
    select counts from fence`)

  return async (
    successes: readonly AttemptResult[],
    now: number,
  ): Promise<readonly DueDelivery[] | undefined> => {
    const values = [records.encode(successes.map(rowOf)), now, packCounters(countersOf(successes))]
    const [row] = await readRows(db, { counts: flag }, statement, values)
    return row?.counts ? [] : undefined
  }
}

/** A result by the names of its columns. */
export function rowOf(result: AttemptResult) {
  return {
    endpoint_key: result.endpointKey,
    message_key: result.messageKey,
    epoch: result.epoch,
    number: result.number,
    step: result.step,
    state: result.state,
    was_due_on: result.wasDueOn,
    due_on: result.dueOn,
    started_on: result.startedOn,
    duration_ms: result.durationMs,
    url: result.url,
    signature: result.signature,
    status: result.status,
    error_code: result.errorCode,
    error_message: result.errorMessage,
    response_body: result.responseBody,
    details: result.details && JSON.stringify(result.details),
    counted: result.counted,
  } satisfies Record<string, Parameter | boolean>
}
