import { integer, nullable } from '../sql/columns.ts'
import { type Dialect, type Parameter, readRows, type SqlExecutor } from '../sql/database.ts'
import type { Lag, Position } from './event-store.ts'
import { parsePosition } from './snapshot-position.ts'
import type { TableNames } from './table-names.ts'

/** Counting further would read a long log to its end. */
const MAX_COUNTED = 10_000

const lagColumns = { events: integer, oldest: nullable(integer) }

/** A statement that gives {@link lagColumns}, and its parameters. */
interface LagQuery {
  readonly statement: string
  parametersOf(position: Position): readonly Parameter[]
}

function lagOnSqlite(names: TableNames): LagQuery {
  return {
    statement: `select
      (select count(*) from (select 1 from ${names.syncEvent} where seq > ? limit ${MAX_COUNTED + 1})) as events,
      (select modified_on from ${names.syncEvent} where seq > ? order by seq limit 1) as oldest`,
    parametersOf(position) {
      const sequence = Number(position.slice(2))
      return [sequence, sequence]
    },
  }
}

/**
 * Counts what this statement sees and the position's first snapshot did not, without the part of its window that was
 * read already. The index on xid alone answers both ranges. Beyond the cap, the oldest event is that of those counted.
 */
function lagOnPostgres(names: TableNames): LagQuery {
  const isAfter = '(seq > $3::bigint or not pg_visible_in_snapshot(xid, $2::pg_snapshot))'
  const after = (range: string) => `
    (select seq from ${names.syncEvent} where ${range} and ${isAfter} order by xid, seq limit ${MAX_COUNTED + 1})`
  return {
    statement: `select counted.events, (extract(epoch from first.modified_on) * 1000)::bigint as oldest
    from (
      select count(*) as events, min(seq) as first from (
        ${after('xid = any (array(select pg_snapshot_xip($1::pg_snapshot)))')}
        union all
        ${after('xid >= pg_snapshot_xmax($1::pg_snapshot)')}
        limit ${MAX_COUNTED + 1}
      ) after_position
    ) counted
    left join ${names.syncEvent} first on first.seq = counted.first`,
    parametersOf(position) {
      const { from, to, sequence } = parsePosition(position)
      // Without a second snapshot the comparison is null, so that the sequence alone decides.
      return [from, to ?? null, sequence.toString()]
    },
  }
}

/** Measures how far a position is behind, without reading a long log to its end. */
export function lagStatements(db: SqlExecutor, dialect: Dialect, names: TableNames) {
  const { statement, parametersOf } = dialect === 'sqlite' ? lagOnSqlite(names) : lagOnPostgres(names)

  return {
    async measureLag(position: Position): Promise<Lag> {
      const [row] = await readRows(db, lagColumns, statement, parametersOf(position))
      const { events, oldest } = row ?? { events: 0, oldest: null }
      return {
        events: Math.min(events, MAX_COUNTED),
        capped: events > MAX_COUNTED,
        oldest: oldest === null ? undefined : new Date(oldest),
      }
    },
  }
}
