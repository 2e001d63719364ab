import type { Clock, SyncEvent } from '@x/events-core'
import type { Kysely } from 'kysely'
import { traceparentOf } from '../observability/trace-context.ts'
import { integer, json, type RowOf, real, text } from '../sql/columns.ts'
import {
  countChanges,
  type Dialect,
  limitIdle,
  readRows,
  runStatement,
  type SqlExecutor,
} from '../sql/database.ts'
import { sqlDialectOf } from '../sql/dialect.ts'
import { ownTransaction } from '../sql/transact.ts'
import { type EventRow, eventOf, rowOf } from './event-row.ts'
import type { Fence, ParkedRow, Position } from './event-store.ts'
import { fenced, fenceValues, keptEventQuery, positionStatements } from './save-position.ts'
import type { TableNames } from './table-names.ts'

const parkedColumns = {
  subscription: text,
  event: json<EventRow>(),
  attempts: integer,
  error: text,
  parked_on: real,
}

/** Creates the statements about parked events. These are stored whole, so that they outlive the log's retention. */
export function parkStatements(db: Kysely<unknown>, dialect: Dialect, names: TableNames, clock: Clock) {
  const { savePosition } = positionStatements(db, dialect, names)
  const isKept = keptEventQuery(dialect, names)
  const { statement } = sqlDialectOf(dialect)
  const columns = 'subscription, event, attempts, error, parked_on'
  const ofSubscription = 'where subscription = $1'
  const eventOrAll = 'and event_id = coalesce($2, event_id)'
  const insert = statement(`insert into ${names.parkedEvent}
      (subscription, event_id, event, attempts, error, parked_on) values ($1, $2, $3, $4, $5, $6)
    on conflict (subscription, event_id) do update
      set attempts = excluded.attempts, error = excluded.error, parked_on = excluded.parked_on, resume_requested = 0`)
  const stay = statement(`update ${names.subscription} set failed_attempts = 0 ${fenced(dialect, 1)}`)
  const list = statement(`select ${columns} from ${names.parkedEvent} ${ofSubscription} order by id limit $2`)
  const resumable = statement(`select ${columns} from ${names.parkedEvent}
    ${ofSubscription} and resume_requested = 1 order by id limit 1`)
  const resume = statement(
    `update ${names.parkedEvent} set resume_requested = 1 ${ofSubscription} ${eventOrAll}`,
  )
  const remove = statement(`delete from ${names.parkedEvent} ${ofSubscription} ${eventOrAll}`)
  const again = statement(`update ${names.parkedEvent}
    set resume_requested = 0, attempts = $3, error = $4, parked_on = $5 ${ofSubscription} and event_id = $2`)

  return {
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
        if (dialect === 'postgres') await limitIdle(trx)
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
      return (await readRows(db, parkedColumns, list, [name, limit])).map(parkedRowOf)
    },

    async nextResumable(name: string): Promise<ParkedRow | undefined> {
      const [row] = await readRows(db, parkedColumns, resumable, [name])
      return row && parkedRowOf(row)
    },

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

    async parkAgain(name: string, eventId: string, attempts: number, error: string): Promise<void> {
      await runStatement(db, again, [name, eventId, attempts, error, clock.now()])
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
