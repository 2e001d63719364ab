import { ALL_TENANTS } from '@x/events-core'
import { integer, nullable } from '../../sql/columns.ts'
import { type Parameter, readRows, type SqlExecutor } from '../../sql/database.ts'
import { eventColumns, eventOf } from '../event-row.ts'
import type { HandledEvents, HandledQuery } from '../handled.ts'
import type { TableNames } from '../table-names.ts'
import { isBehind } from './purge-events.ts'

const placedColumns = { seq: integer, modified_on: integer }

/** Reads the log again, as far as somebody has handled it, in the order of the sequence. */
export function handledStatements(db: SqlExecutor, names: TableNames) {
  const time = '(extract(epoch from e.modified_on) * 1000)::bigint as modified_on'
  const last = `select max(seq) as last from (select seq from ${names.syncEvent} where seq > $1 order by seq limit $2) w`
  // What is committed after the position may have any sequence; it is somebody else's to handle.
  const page = `select e.id, e.tenant_id, e.site_id, e.entity_name, e.entity_id, e.action, ${time},
      e.data::text as data, e.trace
    from ${names.syncEvent} e
    where e.seq > $1 and e.seq <= $2 and e.tenant_id in ($3, ${ALL_TENANTS}) and ${isBehind('$4::text')} order by e.seq`
  const oldest = `select e.seq, ${time} from ${names.syncEvent} e order by e.seq limit 1`
  const from = `select e.seq, ${time} from ${names.syncEvent} e where e.seq >= $1 order by e.seq limit 1`
  const newest = `select e.seq as last from ${names.syncEvent} e where ${isBehind('$1::text')} order by e.seq desc limit 1`

  async function place(statement: string, parameters: readonly Parameter[]) {
    const [row] = await readRows(db, placedColumns, statement, parameters)
    return row && { sequence: row.seq, modifiedOn: row.modified_on }
  }

  return {
    async readHandled({ position, after, tenantId, limit }: HandledQuery): Promise<HandledEvents> {
      const [window] = await readRows(db, { last: nullable(integer) }, last, [after, limit])
      const upto = window?.last ?? null
      if (upto === null) return { events: [], last: undefined }
      const rows = await readRows(db, eventColumns, page, [after, upto, tenantId, position])
      return { events: rows.map(eventOf), last: upto }
    },
    readOldest: () => place(oldest, []),
    readFrom: (sequence: number) => place(from, [sequence]),
    async readLastSequence(position: string): Promise<number> {
      const [row] = await readRows(db, { last: integer }, newest, [position])
      return row?.last ?? 0
    },
  }
}
