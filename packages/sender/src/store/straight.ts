import type { SyncEvent } from '@x/events-core'
import {
  createRowsStatement,
  type FencePart,
  FIRST_AFTER_FENCE,
  flag,
  integer,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
  type Statement,
  sequenceOf,
  text,
  type WrittenAtOnce,
} from '@x/events-engine/internal'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import { linkColumns, linkOf } from '../deliveries/delivery-columns.ts'
import type { DeliveryKey, DeliveryLink } from '../deliveries/delivery-row.ts'
import { countersOf, packCounters } from '../statistics/counters.ts'
import { createClockMark } from './clock.ts'
import type { StoreContext } from './context.ts'
import { queueStatements } from './queue.ts'

/** A delivery that succeeded at once, without having been stored before. */
export interface StraightResult {
  readonly event: SyncEvent
  readonly result: AttemptResult
}

/** A delivery of an event, stored or recorded. */
export interface FannedOut extends DeliveryKey {
  readonly eventId: string
  readonly isPending: boolean
  readonly link: DeliveryLink | null
}

const sequence = (event: SyncEvent) => Number(sequenceOf(event))

/** Statements of the straight path. */
export function straightStore(context: StoreContext) {
  const { db, sql, names } = context
  const noteClock = createClockMark(context)
  const isOfEndpoint = `d.endpoint_key = coalesce(${sql.cast('$2', 'integer')}, d.endpoint_key)`
  const storedOf =
    sql.statement(`select m.event_id, d.endpoint_key, d.message_key, d.state, d.sequence, d.chain
    from ${names.message} m join ${names.delivery} d on d.message_key = m.key
    where ${sql.isListed('m.event_id', '$1', 'text')} and ${isOfEndpoint}`)
  const recordedOf = sql.statement(`select d.event_seq, d.endpoint_key, d.message_key from ${names.delivery} d
    where ${sql.isListed('d.event_seq', '$1')} and ${isOfEndpoint}`)
  const kept = sql.statement(`select key from ${names.endpoint}
    where deleted_on is null and ${sql.isListed('key', '$1')}`)

  const { lockQueue } = queueStatements(context)

  const results = sql.records(RESULT_TYPES)
  const columns = Object.keys(RESULT_TYPES).join(', ')
  // Keys are drawn where those of messages are: they ascend with time, and tell deliveries of both kinds apart.
  const keys = sql.keys
  const nextKey = 'next' in keys ? keys.next(names.message, 'key') : 'message_key'
  const insertResults = `insert into ${names.delivery} (message_key, state, attempt_count, step, ${columns})
    select ${nextKey}, 'succeeded', 1, 1, ${columns}`
  const record = createRowsStatement(sql, {
    given: { ...RESULT_TYPES, message_key: 'integer' },
    columns: {},
    write: (rows) => `${insertResults} from ${rows}`,
  })
  const insertCounters = sql.statement(`insert into ${names.counter} (body) values ($1)`)
  const atOnce = new Map<string, Statement>()

  /**
   * Depends on the fence, and on the revision first: were the fence first, it would move the position although nothing is
   * recorded. Both stay locked until the transaction ends.
   */
  function recordAtOnceStatement({ query }: FencePart): Statement {
    const [revision, rows, counters] = [0, 1, 2].map((index) => `$${FIRST_AFTER_FENCE + index}`) as [
      string,
      string,
      string,
    ]
    const fence = query(`(select value from revision) = ${revision}`)
    let statement = atOnce.get(fence)
    if (!statement) {
      statement = sql.statement(`with revision as materialized (
          select value from ${names.revision} where id = 1 and ${sql.limitsIdle} for share
        ), fence as (
          ${fence}
        ), counted as (
          insert into ${names.counter} (body) select ${counters}::text from fence where ${counters}::text <> ''
        ), recorded as (
          ${insertResults} from ${results.table(rows, 'r')} cross join fence
        )
        select value as revision, exists (select from fence) as held from revision`)
      atOnce.set(fence, statement)
    }
    return statement
  }

  return {
    /** Which deliveries there are of events that were read from the log; of one endpoint, where it is given. */
    async findFannedOut(
      executor: SqlExecutor = db,
      events: readonly SyncEvent[],
      endpointKey?: number,
    ): Promise<FannedOut[]> {
      const byId = await readRows(executor, fannedOutColumns, storedOf, [
        JSON.stringify(events.map(({ id }) => id)),
        endpointKey ?? null,
      ])
      const idOf = new Map(events.map((event) => [sequence(event), event.id]))
      const bySequence = await readRows(executor, recordedColumns, recordedOf, [
        JSON.stringify([...idOf.keys()].filter((one) => Number.isSafeInteger(one))),
        endpointKey ?? null,
      ])
      return [
        ...byId.map((row) => ({
          eventId: row.event_id,
          endpointKey: row.endpoint_key,
          messageKey: row.message_key,
          isPending: row.state === 'pending',
          link: linkOf(row),
        })),
        ...bySequence.map((row) => ({
          eventId: idOf.get(row.event_seq) as string,
          endpointKey: row.endpoint_key,
          messageKey: row.message_key,
          isPending: false,
          link: null,
        })),
      ]
    },

    /** Which of these endpoints are not deleted. */
    async keptEndpoints(executor: SqlExecutor, endpointKeys: readonly number[]): Promise<number[]> {
      const rows = await readRows(executor, { key: integer }, kept, [JSON.stringify(endpointKeys)])
      return rows.map(({ key }) => key)
    },

    /** Which leases are the latest of endpoints that may be deleted, but are not purged; they stay so until the commit. */
    latestEpochs(
      executor: SqlExecutor,
      endpointKeys: readonly number[],
    ): Promise<ReadonlyMap<number, number>> {
      return lockQueue(executor, endpointKeys)
    },

    /** Writes deliveries in their final state, each with its only attempt, and counts them. */
    async recordStraight(
      executor: SqlExecutor,
      straight: readonly StraightResult[],
      now: number,
    ): Promise<void> {
      const counted = packCounters(countersOf(straight.map(({ result }) => result)))
      let key = 'draw' in keys ? await keys.draw(executor, names.message, straight.length) : undefined
      const rows = straight.map((one) => recordOf(one, now, key === undefined ? key : ++key))
      await record(executor, [], rows)
      if (counted !== '') await runStatement(executor, insertCounters, [counted])
      await noteClock(executor, now)
    },

    /**
     * Writes deliveries in their final state in the statement that checks the lease of the subscription: alone, it is a
     * transaction of its own. Undefined where queries cannot write.
     *
     * @param revision - of the endpoints, at which they were matched: nothing is written where it is another by now.
     * @param storeRest - writes more in the same transaction.
     */
    recordAtOnce: sql.hasWritingQueries
      ? async (
          fence: FencePart,
          revision: number,
          straight: readonly StraightResult[],
          now: number,
          storeRest?: (trx: SqlExecutor) => Promise<void>,
        ): Promise<WrittenAtOnce> => {
          const statement = recordAtOnceStatement(fence)
          const counters = packCounters(countersOf(straight.map(({ result }) => result)))
          const rows = results.encode(straight.map((one) => recordOf(one, now)))
          const values = [...fence.parameters, revision, rows, counters]
          const write = async (executor: SqlExecutor): Promise<WrittenAtOnce> => {
            const [row] = await readRows(executor, guardColumns, statement, values)
            if (row?.held) return 'committed'
            return row?.revision === revision ? 'lease_lost' : 'not_written'
          }
          if (!storeRest) return write(db)
          return ownTransaction(db, async (trx) => {
            const written = await write(trx)
            if (written === 'committed') await storeRest(trx)
            return written
          })
        }
      : undefined,
  }
}

/** What is recorded of a delivery with its only attempt. */
const RESULT_TYPES = {
  endpoint_key: 'integer',
  created_on: 'integer',
  finished_on: 'integer',
  last_status: 'integer',
  event_seq: 'integer',
  duration_ms: 'integer',
  url: 'text',
  signature: 'text',
  response_body: 'text',
} as const

const fannedOutColumns = {
  event_id: text,
  endpoint_key: integer,
  message_key: integer,
  state: text,
  ...linkColumns,
}
const guardColumns = { revision: integer, held: flag }
const recordedColumns = { event_seq: integer, endpoint_key: integer, message_key: integer }

function recordOf({ event, result }: StraightResult, now: number, messageKey?: number) {
  return {
    endpoint_key: result.endpointKey,
    created_on: result.startedOn,
    finished_on: now,
    last_status: result.status,
    event_seq: sequence(event),
    duration_ms: result.durationMs,
    url: result.url,
    signature: result.signature,
    response_body: result.responseBody,
    message_key: messageKey,
  }
}
