import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import { bigInteger, flag, integer, text } from '../sql/columns.ts'
import { type Dialect, IDLE_MS, readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import { sqlDialectOf } from '../sql/dialect.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { Place, Position, PurgeLimits } from './event-store.ts'
import { isBehind, parsePosition } from './snapshot-position.ts'
import type { TableNames } from './table-names.ts'

/** How the databases differ in deleting old events. */
interface PurgeDialect {
  /** Called first in the transaction. */
  begin?(trx: SqlExecutor): Promise<void>
  /**
   * Deletes old events among the first of the log that every subscription has passed.
   *
   * @param aged - events up to this sequence are old, even if they are dated ahead.
   * @returns for each, the value that {@link Place} goes by.
   */
  remove(trx: SqlExecutor, limits: PurgeLimits, aged: number): Promise<bigint[]>
  /** The first event from a sequence on. */
  firstFrom(trx: SqlExecutor, sequence: number, keepMs: number): Promise<AgedEvent | undefined>
  findPlace(position: Position): Promise<Place>
}

/**
 * Creates the statements that delete old events. They look at the oldest rows only, since the sequence nearly follows the
 * time: a run that finds nothing costs no scan.
 */
export function purgeStatements(db: Kysely<unknown>, dialect: Dialect, names: TableNames, clock: Clock) {
  const own = dialect === 'sqlite' ? purgeOnSqlite(db, names, clock) : purgeOnPostgres(db, names)
  const { statement, greatest } = sqlDialectOf(dialect)
  const purged = greatest('cast(purged as numeric)', 'cast($1 as numeric)')
  const note = statement(`update ${names.logState} set purged = cast(${purged} as text)`)

  return {
    findPlace: own.findPlace,

    async purge(limits: PurgeLimits): Promise<number> {
      return ownTransaction(db, async (trx) => {
        await own.begin?.(trx)
        let removed = await own.remove(trx, limits, 0)
        if (removed.length === 0) {
          const firstFrom = (sequence: number) => own.firstFrom(trx, sequence, limits.keepMs)
          const aged = await findAgedBehind(firstFrom, limits.limit)
          if (aged > 0) removed = await own.remove(trx, limits, aged)
        }
        let last = 0n
        for (const one of removed) if (one > last) last = one
        if (last > 0n) await runStatement(trx, note, [last.toString()])
        return removed.length
      })
    },
  }
}

/** The end of a subscription's last lease lies no further ahead, unless the clock was set back. */
const LONGEST_LEASE_MS = 24 * 60 * 60 * 1_000

/** Places go by sequences. */
function purgeOnSqlite(db: Kysely<unknown>, names: TableNames, clock: Clock): PurgeDialect {
  const { statement } = sqlDialectOf('sqlite')
  // $1 limit, $2 time that events must be older than, $3 now, $4 aged, $5 time since which subscriptions count
  const oldest = `(select seq, modified_on from ${names.syncEvent} order by seq limit $1)`
  const firstKept = (least: string) => `coalesce((
      select ${least} from ${names.subscription} where leased_until >= $5
    ), 9223372036854775807)`
  const remove = statement(`delete from ${names.syncEvent} where seq in (
      select seq from ${oldest}
      where (modified_on < $2 or (modified_on > $3 and seq <= max($4, coalesce(
        (select max(seq) from ${oldest} where modified_on < $2), 0))))
      and seq <= ${firstKept('min(cast(substr(position, 3) as integer))')}
      and seq < ${firstKept('min(held)')}
    ) returning seq`)
  const state = `select cast(purged as integer) as purged,
      coalesce((select seq from sqlite_sequence where name = '${names.syncEvent}'), 0) as last
    from ${names.logState}`
  const first = statement(
    `select seq, modified_on from ${names.syncEvent} where seq >= $1 order by seq limit 1`,
  )
  const shortenLeases = statement(
    `update ${names.subscription} set leased_until = $1 where leased_until > $1`,
  )

  return {
    begin: (trx) => runStatement(trx, shortenLeases, [clock.now() + LONGEST_LEASE_MS]),

    async remove(trx, { keepMs, abandonedAfterMs, limit }, aged) {
      const now = clock.now()
      const parameters = [limit, now - keepMs, now, aged, now - abandonedAfterMs]
      const rows = await readRows(trx, { seq: bigInteger }, remove, parameters)
      return rows.map(({ seq }) => seq)
    },

    async firstFrom(trx, sequence, keepMs) {
      const [row] = await readRows(trx, { seq: integer, modified_on: integer }, first, [sequence])
      const now = clock.now()
      return row && { seq: row.seq, isOld: row.modified_on < now - keepMs, isAhead: row.modified_on > now }
    },

    async findPlace(position) {
      const [row] = await readRows(db, { purged: integer, last: integer }, state)
      const sequence = Number(position.slice(2))
      // Beyond the end: a power cut has undone the event before it, or it is of another database.
      if (sequence > (row?.last ?? 0)) return 'unknown'
      return sequence < (row?.purged ?? 0) ? 'expired' : 'kept'
    },
  }
}

/** Places go by transaction ids. Rows that another node is deleting are passed over. */
function purgeOnPostgres(db: Kysely<unknown>, names: TableNames): PurgeDialect {
  const ago = (parameter: string) => `now() - ${parameter} * interval '1 millisecond'`
  const remove = `delete from ${names.syncEvent} where seq in (
      select e.seq from (select seq from ${names.syncEvent} order by seq limit $1) oldest
      join ${names.syncEvent} e on e.seq = oldest.seq
      where (e.modified_on < ${ago('$2')} or (e.modified_on > now() and e.seq <= greatest($4::bigint, (
        select max(seq) from (select seq, modified_on from ${names.syncEvent} order by seq limit $1) o
        where o.modified_on < ${ago('$2')}
      )))) and not exists (
        select from ${names.subscription} s
        where s.leased_until >= ${ago('$3')} and (s.held <= e.seq or not ${isBehind('s.position')})
      )
      for update of e skip locked
    ) returning xid::text as xid, set_config('idle_in_transaction_session_timeout', '${IDLE_MS}', true)`
  // A role that may insert need not have the right to read the sequence. The newest row gives nearly the same.
  const lastSequence = `greatest((select max(seq) from ${names.syncEvent}), (
      select case when has_sequence_privilege(s.name::regclass, 'select, usage')
        then pg_sequence_last_value(s.name::regclass) end
      from pg_get_serial_sequence('${names.syncEvent}', 'seq') s(name)
    ), 0)`
  const place = `select case
      when pg_snapshot_xmax(coalesce($2::pg_snapshot, $1::pg_snapshot)) > pg_snapshot_xmax(pg_current_snapshot())
        or $3::bigint > ${lastSequence} then 'unknown'
      when not pg_visible_in_snapshot(purged::xid8, $1::pg_snapshot) then 'expired'
      else 'kept' end as place
    from ${names.logState}`
  const first = `select seq, modified_on < ${ago('$2')} as is_old, modified_on > now() as is_ahead
    from ${names.syncEvent} where seq >= $1 order by seq limit 1`
  const firstColumns = { seq: integer, is_old: flag, is_ahead: flag }

  return {
    async remove(trx, { keepMs, abandonedAfterMs, limit }, aged) {
      const rows = await readRows(trx, { xid: bigInteger }, remove, [limit, keepMs, abandonedAfterMs, aged])
      return rows.map(({ xid }) => xid)
    },

    async firstFrom(trx, sequence, keepMs) {
      const [row] = await readRows(trx, firstColumns, first, [sequence, keepMs])
      return row && { seq: row.seq, isOld: row.is_old, isAhead: row.is_ahead }
    },

    async findPlace(position) {
      const { from, to, sequence } = parsePosition(position)
      const [row] = await readRows(db, { place: text }, place, [from, to ?? null, String(sequence)])
      return (row?.place ?? 'kept') as Place
    },
  }
}

/** An event of the log, as retention sees it. */
interface AgedEvent {
  readonly seq: number
  /** It is older than events are kept. */
  readonly isOld: boolean
  /** It was raised by a clock that was ahead, and set back since. */
  readonly isAhead: boolean
}

/**
 * Finds the end of the log's old part where its first events are dated ahead. An event is at least as old as those that
 * come after it, so they need not stay until the clock has caught up with them.
 *
 * @param firstFrom - the first event from a sequence on.
 * @param limit - where to look first, so many sequences behind the oldest event.
 * @returns a sequence; 0 where nothing is known to be old.
 */
async function findAgedBehind(
  firstFrom: (sequence: number) => Promise<AgedEvent | undefined>,
  limit: number,
): Promise<number> {
  const oldest = await firstFrom(0)
  if (!oldest?.isAhead) return 0
  let ahead = oldest.seq
  let end: number | undefined
  // First in ever longer steps, then between the last that is dated ahead and what lies behind.
  for (let step = limit; end === undefined || end - ahead > 1; step *= 2) {
    const from: number = end === undefined ? ahead + step : Math.floor((ahead + end) / 2)
    const found = await firstFrom(from)
    if (found?.isOld) return found.seq
    if (found?.isAhead && (end === undefined || found.seq < end)) ahead = found.seq
    else end = from
  }
  return 0
}
