import { ALL_TENANTS } from '@x/events-core'
import { integer, nullable } from '../../sql/columns.ts'
import { readRows, type SqlExecutor } from '../../sql/database.ts'
import { eventColumns, eventOf } from '../event-row.ts'
import type { HandledEvents, HandledQuery } from '../handled.ts'
import type { TableNames } from '../table-names.ts'

const placedColumns = { seq: integer, modified_on: integer }

/** Reads the log again, as far as somebody has handled it, in the order of the sequence. */
export function handledStatements(db: SqlExecutor, names: TableNames) {
  const last = `select max(seq) as last from (select seq from ${names.syncEvent} where seq > ? and seq <= ? order by seq limit ?)`
  const page = `select seq, id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace
    from ${names.syncEvent} where seq > ? and seq <= ? and tenant_id in (?, ${ALL_TENANTS}) order by seq`
  const oldest = `select seq, modified_on from ${names.syncEvent} order by seq limit 1`
  const from = `select seq, modified_on from ${names.syncEvent} where seq >= ? order by seq limit 1`
  const newest = `select max(seq) as last from ${names.syncEvent} where seq <= ?`

  return {
    async readHandled({ position, after, tenantId, limit }: HandledQuery): Promise<HandledEvents> {
      const end = Number(position.slice(2))
      const [window] = await readRows(db, { last: nullable(integer) }, last, [after, end, limit])
      const upto = window?.last ?? null
      if (upto === null) return { events: [], last: undefined }
      const rows = await readRows(db, eventColumns, page, [after, upto, tenantId])
      return { events: rows.map(eventOf), last: upto }
    },

    async readOldest() {
      const [row] = await readRows(db, placedColumns, oldest)
      return row && { sequence: row.seq, modifiedOn: row.modified_on }
    },

    async readFrom(sequence: number) {
      const [row] = await readRows(db, placedColumns, from, [sequence])
      return row && { sequence: row.seq, modifiedOn: row.modified_on }
    },

    async readLastSequence(position: string): Promise<number> {
      const [row] = await readRows(db, { last: nullable(integer) }, newest, [Number(position.slice(2))])
      return row?.last ?? 0
    },
  }
}
