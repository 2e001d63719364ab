import type { Clock } from '@x/events-core'
import { bigInteger, integer, type RowOf, real } from '../sql/columns.ts'
import { readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { LogContext } from './context.ts'
import type { LogOrder } from './log-order.ts'

/** What may be deleted from the log. */
export interface PurgeLimits {
  /** Events younger than this stay, in milliseconds. */
  readonly keepMs: number
  /** Subscriptions that no node has run for so long do not count, in milliseconds. */
  readonly abandonedAfterMs: number
  /** At most so many rows. */
  readonly limit: number
}

/** The end of a subscription's last lease lies no further ahead, unless the clock was set back. */
const LONGEST_LEASE_MS = 24 * 60 * 60 * 1_000

const deletedColumns = { number: bigInteger, seq: bigInteger }
const firstColumns = { seq: integer, modified_on: integer, now: real }

/**
 * Creates the statements that delete old events. They look at the oldest rows only, since the sequence nearly follows the
 * time: a run that finds nothing costs no scan. Rows that another node is deleting are passed over.
 */
export function purgeStatements(
  { db, sql, names }: LogContext,
  { isBehind, deletedNumber }: Pick<LogOrder, 'isBehind' | 'deletedNumber'>,
  clock: Clock,
) {
  const { statement, time } = sql
  // $1 limit, $2 how old events must be, $3 now, $4 aged, $5 how long ago subscriptions count
  const now = sql.now('$3')
  const oldest = `(select seq, modified_on from ${names.syncEvent} order by seq limit $1)`
  const isOld = (event: string) => `${event}.modified_on < ${time(`(${now} - $2)`)}`
  const lastOld = `(select max(o.seq) from ${oldest} o where ${isOld('o')})`
  const remove = statement(`delete from ${names.syncEvent} where seq in (
      select e.seq from ${oldest} oldest join ${names.syncEvent} e on e.seq = oldest.seq
      where (${isOld('e')} or (e.modified_on > ${time(now)}
          and e.seq <= ${sql.greatest(sql.typed('$4', 'integer'), lastOld)}))
        and not exists (
          select 1 from ${names.subscription} s
          where s.leased_until >= ${now} - $5 and (s.held <= e.seq or not ${isBehind('s.position')})
        ) and ${sql.limitsIdle}${sql.lock('for update of e skip locked')}
    ) returning ${deletedNumber} as number, seq`)
  const first =
    statement(`select e.seq, ${sql.milliseconds('e.modified_on')} as modified_on, ${sql.now('$2')} as now
    from ${names.syncEvent} e where e.seq >= $1 order by e.seq limit 1`)
  const purged = sql.greatest('cast(purged as numeric)', 'cast($1 as numeric)')
  const purgedSequence = sql.greatest('purged_seq', 'cast($2 as bigint)')
  const note = statement(
    `update ${names.logState} set purged = cast(${purged} as text), purged_seq = ${purgedSequence}`,
  )
  const shortenLeases = statement(
    `update ${names.subscription} set leased_until = $1 where leased_until > $1`,
  )

  /** Deletes old events among the first of the log. Events up to the sequence `aged` are old, even if they are dated ahead. */
  async function removeOld(
    trx: SqlExecutor,
    { keepMs, abandonedAfterMs, limit }: PurgeLimits,
    aged: number,
  ): Promise<RowOf<typeof deletedColumns>[]> {
    const parameters = [limit, keepMs, clock.now(), aged, abandonedAfterMs]
    return readRows(trx, deletedColumns, remove, parameters)
  }

  /** The first event from a sequence on. */
  async function firstFrom(
    trx: SqlExecutor,
    sequence: number,
    keepMs: number,
  ): Promise<AgedEvent | undefined> {
    const [row] = await readRows(trx, firstColumns, first, [sequence, clock.now()])
    if (!row) return undefined
    return { seq: row.seq, isOld: row.modified_on < row.now - keepMs, isAhead: row.modified_on > row.now }
  }

  return {
    /** Deletes some of the oldest events that every subscription has passed. @returns how many. */
    async purge(limits: PurgeLimits): Promise<number> {
      return ownTransaction(db, async (trx) => {
        // The machine's clock may have been set back.
        if (sql.isLocal) await runStatement(trx, shortenLeases, [clock.now() + LONGEST_LEASE_MS])
        let removed = await removeOld(trx, limits, 0)
        if (removed.length === 0) {
          const aged = await findAgedBehind(
            (sequence) => firstFrom(trx, sequence, limits.keepMs),
            limits.limit,
          )
          if (aged > 0) removed = await removeOld(trx, limits, aged)
        }
        if (removed.length > 0) {
          const last = [greatestOf(removed, 'number'), greatestOf(removed, 'seq')]
          await runStatement(trx, note, last)
        }
        return removed.length
      })
    },
  }
}

function greatestOf<TName extends string>(
  rows: readonly Readonly<Record<TName, bigint>>[],
  name: TName,
): string {
  let greatest = 0n
  for (const row of rows) if (row[name] > greatest) greatest = row[name]
  return greatest.toString()
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
