import type { Clock, SyncEvent } from '@x/events-core'
import { traceparentOf } from '../observability/tracing.ts'
import { integer, json, type RowOf, real, text } from '../sql/columns.ts'
import { countChanges, findsRow, readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import { limitIdle } from '../sql/dialects.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { LogContext } from './context.ts'
import { type EventRow, eventOf, rowOf } from './event-row.ts'
import type { Position } from './position.ts'
import { type Fence, fenced, fenceValues, keptEventQuery, positionStatements } from './save-position.ts'

/** An event that used up its tries. */
export interface ParkedRow {
  readonly subscription: string
  readonly event: SyncEvent
  readonly attempts: number
  readonly error: string
  readonly parkedOn: Date
}

/** A parked event that is to be tried again. */
export interface ResumableRow extends ParkedRow {
  /** Which request it is: each one changes it. */
  readonly request: number
}

const parkedColumns = {
  subscription: text,
  event: json<EventRow>(),
  attempts: integer,
  error: text,
  parked_on: real,
}
const listedColumns = { ...parkedColumns, id: integer }
const resumableColumns = { ...parkedColumns, resume_requested: integer }

/** Parked events are stored whole, and may be large: a list is read so many at a time. */
const LISTED_AT_ONCE = 20
/** Requests are counted up to here, and then from 1 on. */
const MAX_REQUESTS = 30_000

/** Creates the statements about parked events. These are stored whole, so that they outlive the log's retention. */
export function parkStatements(context: LogContext, clock: Clock) {
  const { db, sql, names } = context
  const { statement } = sql
  const { savePosition } = positionStatements(context)
  const isKept = keptEventQuery(context)
  const columns = 'subscription, event, attempts, error, parked_on'
  const ofSubscription = 'where subscription = $1'
  const eventOrAll = 'and event_id = coalesce($2, event_id)'
  // A request to resume stays: one that was made before the lease has been served, so that it came while the event failed.
  const insert = statement(`insert into ${names.parkedEvent}
      (subscription, event_id, event, attempts, error, parked_on) values ($1, $2, $3, $4, $5, $6)
    ${sql.upsert({
      key: 'subscription, event_id',
      set: ['attempts', 'error', 'parked_on'].map((name) => `${name} = ${sql.proposed(name)}`).join(', '),
    })}`)
  // Nothing changes: the tries that are counted may be those of an event before it.
  const stay = statement(
    `update ${names.subscription} set failed_attempts = failed_attempts ${fenced(sql, 1)}`,
  )
  const list = statement(`select ${columns}, id from ${names.parkedEvent}
    ${ofSubscription} and id > $2 order by id limit $3`)
  const find = statement(`select 1 as found from ${names.parkedEvent} ${ofSubscription} and event_id = $2`)
  const resumable = statement(`select ${columns}, resume_requested from ${names.parkedEvent}
    ${ofSubscription} and resume_requested > 0 order by id limit 1`)
  // A number that changes with each request, so that one is noticed that comes while the try of another is failing.
  const resume = statement(
    `update ${names.parkedEvent} set resume_requested = resume_requested % ${MAX_REQUESTS} + 1
      ${ofSubscription} ${eventOrAll}`,
  )
  const remove = statement(`delete from ${names.parkedEvent} ${ofSubscription} ${eventOrAll}`)
  const again = statement(`update ${names.parkedEvent}
    set resume_requested = case resume_requested when $6 then 0 else resume_requested end,
      attempts = $3, error = $4, parked_on = $5 ${ofSubscription} and event_id = $2`)

  return {
    /**
     * Parks an event and, where a position is given, moves on to it, in one transaction. An event that the log has no
     * more is not parked.
     *
     * @returns false when the lease was lost.
     */
    async park(
      fence: Fence,
      event: SyncEvent,
      after: Position | undefined,
      attempts: number,
      error: string,
    ): Promise<boolean> {
      const dataText = event.data === undefined ? null : JSON.stringify(event.data)
      const stored = JSON.stringify(rowOf(event, dataText, traceparentOf(event)))
      return ownTransaction(db, async (trx) => {
        await limitIdle(trx, sql)
        // Either way the first statement finds out whether the lease is still ours.
        const held =
          after === undefined
            ? (await countChanges(trx, stay, fenceValues(fence))) === 1
            : await savePosition(fence, after, trx)
        if (!held) return false
        if (!(await isKept(trx, event))) return true
        const values = [fence.name, event.id, stored, attempts, error, clock.now()]
        await runStatement(trx, insert, values)
        return true
      })
    },

    async listParked(name: string, limit: number): Promise<ParkedRow[]> {
      const parked: ParkedRow[] = []
      for (let after = 0; ; ) {
        const count = Math.min(LISTED_AT_ONCE, limit - parked.length)
        const rows = await readRows(db, listedColumns, list, [name, after, count])
        parked.push(...rows.map(parkedRowOf))
        if (rows.length < count || parked.length === limit) return parked
        after = rows.at(-1)?.id ?? after
        await new Promise(setImmediate)
      }
    },

    async isParked(name: string, eventId: string): Promise<boolean> {
      return findsRow(db, find, [name, eventId])
    },

    async nextResumable(name: string): Promise<ResumableRow | undefined> {
      const [row] = await readRows(db, resumableColumns, resumable, [name])
      return row && { ...parkedRowOf(row), request: row.resume_requested }
    },

    /** Marks parked events to be tried again; all of them where no id is given. */
    async requestResume(name: string, eventId: string | undefined): Promise<number> {
      return countChanges(db, resume, [name, eventId ?? null])
    },

    async deleteParked(
      name: string,
      eventId: string | undefined,
      executor: SqlExecutor = db,
    ): Promise<number> {
      return countChanges(executor, remove, [name, eventId ?? null])
    },

    /** Parks a resumed event again. It is still to be tried again where that was requested once more since. */
    async parkAgain(
      name: string,
      eventId: string,
      attempts: number,
      error: string,
      request: number,
    ): Promise<void> {
      await runStatement(db, again, [name, eventId, attempts, error, clock.now(), request])
    },
  }
}

function parkedRowOf(row: RowOf<typeof parkedColumns>): ParkedRow {
  return {
    subscription: row.subscription,
    event: eventOf(row.event),
    attempts: row.attempts,
    error: row.error,
    parkedOn: new Date(row.parked_on),
  }
}
