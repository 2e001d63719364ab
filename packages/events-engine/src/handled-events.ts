import { watchedDatabaseOf } from './connections/watched-database.ts'
import type { EventEngine } from './engine.ts'
import { text } from './sql/columns.ts'
import { readRows } from './sql/database.ts'
import { withPlaceholders } from './sql/placeholders.ts'
import type { HandledEvents, HandledQuery } from './store/handled.ts'
import { handledStatements as onPostgres } from './store/postgres/read-handled.ts'
import { handledStatements as onSqlite } from './store/sqlite/read-handled.ts'
import { tableNames } from './store/table-names.ts'

export type { HandledEvents, HandledQuery } from './store/handled.ts'

/** Which part of the log a subscription has handled of some time. */
export interface HandledRange {
  /** Where the subscription stands; what comes behind it is its own to handle. */
  readonly position: string
  /** Sequences: read after the first, up to the last. */
  readonly after: number
  readonly last: number
}

/** Reads again what a durable subscription has handled, for whoever has missed it. */
export interface HandledLog {
  /** What it had handled by now of what was raised since a time; undefined for no such subscription. */
  rangeSince(time: number): Promise<HandledRange | undefined>
  read(query: HandledQuery): Promise<HandledEvents>
  /** When the oldest event that is kept was raised. */
  oldestOn(): Promise<number | undefined>
}

// Events of a moment may have their sequences in another order than their clocks say.
const DISORDER_MS = 60_000

/** Creates what reads the log again behind the position of a durable subscription. */
export function createHandledLog<DB>(engine: EventEngine<DB>, subscription: string): HandledLog {
  const { db } = watchedDatabaseOf(engine)
  const names = tableNames(engine.tablePrefix, engine.schema)
  const statements = engine.dialect === 'postgres' ? onPostgres(db, names) : onSqlite(db, names)
  const stored = withPlaceholders(engine.dialect, `select position from ${names.subscription} where name = ?`)

  /** The first sequence of a time, by halving: sequences ascend with time. */
  async function firstOf(time: number, last: number): Promise<number> {
    let low = (await statements.readOldest())?.sequence ?? last + 1
    let high = last + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const found = await statements.readFrom(middle)
      if (found && found.sequence < high && found.modifiedOn < time) low = found.sequence + 1
      else high = middle
    }
    return low
  }

  return {
    async rangeSince(time) {
      const [row] = await readRows(db, { position: text }, stored, [subscription])
      if (!row) return undefined
      const last = await statements.readLastSequence(row.position)
      return { position: row.position, after: (await firstOf(time - DISORDER_MS, last)) - 1, last }
    },
    read: statements.readHandled,
    async oldestOn() {
      return (await statements.readOldest())?.modifiedOn
    },
  }
}
