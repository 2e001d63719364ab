import { integer, nullable, text, word } from '../sql/columns.ts'
import { countChanges, findsRow, readRows } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import type { Position } from './position.ts'
import type { SubscriptionState } from './save-position.ts'

/** A subscription as it is stored. */
export interface SubscriptionRow {
  readonly name: string
  readonly position: Position
  readonly state: SubscriptionState
  readonly leasedBy: string | null
  readonly failedAttempts: number
  readonly lastError: string | null
  readonly parked: number
}

const subscriptionColumns = {
  name: text,
  position: text,
  state: word<SubscriptionState>(),
  leased_by: nullable(text),
  failed_attempts: integer,
  last_error: nullable(text),
  parked: integer,
}

/** Enough of its id to distinguish a log from the others of a host. */
const LOG_NAME_LENGTH = 8

/** Creates the statements with which people and starting nodes manage subscriptions. No lease fences them. */
export function manageStatements({ db, sql, names }: LogContext) {
  const { statement } = sql
  const list = `select name, position, state, leased_by, failed_attempts, last_error,
      (select count(*) from ${names.parkedEvent} p where p.subscription = s.name) as parked
    from ${names.subscription} s order by name`
  const setState = statement(
    `update ${names.subscription} 
    set state = $1, failed_attempts = 0, revision = revision + 1 where name = $2`,
  )
  // What a person has paused stays so, with the failures that it had.
  const unblock = statement(
    `update ${names.subscription}
    set state = case state when 'blocked' then 'active' else state end,
      failed_attempts = case state when 'blocked' then 0 else failed_attempts end, revision = revision + 1 where name = $1`,
  )
  const find = statement(`select 1 as found from ${names.subscription} where name = $1`)

  // From where a person puts it, everything is handled again; behind an event that is skipped, only what was not.
  const expected = sql.cast('$3', 'text')
  const move = statement(
    `update ${names.subscription}
      set position = $1, ahead = case when ${expected} is null then 0 else ahead end, failed_attempts = 0,
        last_error = null, epoch = epoch + 1, revision = revision + 1, leased_by = null
      where name = $2 and position = coalesce(${expected}, position)`,
  )

  const logId = `select log_id from ${names.logState}`

  return {
    /**
     * Puts a subscription elsewhere, and ends its lease, so that what its holder still saves does not count.
     *
     * @param expected - only if it stands here, to go on behind the next event; wherever it stands, where there is none, to
     *   handle again what comes then.
     */
    async movePosition(name: string, position: Position, expected?: Position): Promise<boolean> {
      return (await countChanges(db, move, [position, name, expected ?? null])) === 1
    },

    async listSubscriptions(): Promise<SubscriptionRow[]> {
      const rows = await readRows(db, subscriptionColumns, list)
      return rows.map((row) => ({
        name: row.name,
        position: row.position,
        state: row.state,
        leasedBy: row.leased_by,
        failedAttempts: row.failed_attempts,
        lastError: row.last_error,
        parked: row.parked,
      }))
    },

    /** A name for this log, which positions that are given out carry; another one once it was restored. */
    async logName(): Promise<string> {
      const [row] = await readRows(db, { log_id: text }, logId)
      const [id = '', restores] = (row?.log_id ?? '').split('.')
      return `${id.slice(0, LOG_NAME_LENGTH)}${restores === undefined ? '' : `.${restores}`}`
    },

    /** Sets the state. The holder of the lease notices it, saves the position and releases the lease. */
    async setState(name: string, state: SubscriptionState): Promise<boolean> {
      return (await countChanges(db, setState, [state, name])) === 1
    },

    /** Makes a blocked subscription active, and has its holder look for what was changed of it. A paused one stays paused. */
    async unblock(name: string): Promise<boolean> {
      return (await countChanges(db, unblock, [name])) === 1
    },

    async hasSubscription(name: string): Promise<boolean> {
      return findsRow(db, find, [name])
    },
  }
}
