import { type Assertion, type Clock, EventsError, type FieldNames, systemClock } from '@x/events-core'
import type { QueryExecutorProvider } from 'kysely'
import { assertClock, createArgumentAssertion, createOptionAssertion } from './assert.ts'
import { dialectOf } from './kysely-inbox.ts'
import type { ReplayStore } from './replay-store.ts'
import { checkScope, REPLAY_TIME_NAMES, type ReplayTimes, resolveReplayTimes } from './replay-times.ts'

export type { Inbox, InboxIsolationLevel, InboxOptions, PostgresInboxOptions } from './inbox.ts'
export {
  createInboxTable,
  type KyselyExecutor,
  type KyselyTransactions,
  kyselyInbox,
} from './kysely-inbox.ts'

/** The part of a Kysely instance, or of a transaction, that is needed: what its statements run through. */
export interface KyselyDatabase {
  getExecutor(): object
}

/** Options of {@link kyselyReplayStore}. */
export interface KyselyReplayStoreOptions extends ReplayTimes {
  /**
   * Which table; with its schema (`app.webhook_replay`) where it is not in the search path.
   *
   * @defaultValue 'webhook_replay'
   */
  readonly table?: string | undefined
  /**
   * Keeps the ids of this receiver apart from those of others in the same table.
   *
   * @defaultValue 'default'
   */
  readonly scope?: string | undefined
  /**
   * The time by which claims lapse and ids are forgotten.
   *
   * @defaultValue the machine's clock
   */
  readonly clock?: Clock | undefined
}

const NAMES: FieldNames<KyselyReplayStoreOptions> = {
  ...REPLAY_TIME_NAMES,
  table: true,
  scope: true,
  clock: true,
}
const assertOption: Assertion = createOptionAssertion('kyselyReplayStore')
const assertArgument: Assertion = createArgumentAssertion('createReplayTable')

function assertTable(assert: Assertion, table: unknown): void {
  assert(typeof table === 'string' && table !== '', 'table', 'the name of a table', table)
}

const DEFAULT_TABLE = 'webhook_replay'
const PURGE_INTERVAL_MS = 600_000
const PURGE_BATCH = 1_000
// Between the statement that could not claim and the one that asks why, the row may have been let go.
const MAX_TRIES = 5

// Kysely is an ES module alone. Imported when it is used, and not named in the types, it leaves this
// module loadable from CommonJS.
async function openStatements(db: KyselyDatabase, table: string) {
  const { sql } = await import('kysely')
  return { sql, db: db as unknown as QueryExecutorProvider, table: sql.table(table) }
}

/**
 * Creates the table that {@link kyselyReplayStore} keeps its ids in, unless it is there: call it from a
 * migration of your own.
 *
 * @example
 * ```ts
 * import { createReplayTable } from '@x/receiver/kysely'
 * import type { Kysely } from 'kysely'
 *
 * export async function up(db: Kysely<unknown>): Promise<void> {
 *   await createReplayTable(db)
 * }
 * ```
 */
export async function createReplayTable(database: KyselyDatabase, name = DEFAULT_TABLE): Promise<void> {
  assertTable(assertArgument, name)
  const dialect = dialectOf('createReplayTable', database)
  const { sql, db, table } = await openStatements(database, name)
  // In SQLite an index is in the schema of its table, and named after it.
  const isSqlite = dialect === 'sqlite'
  const bare = name.slice(name.lastIndexOf('.') + 1)
  const index = isSqlite ? `${name}_expires_at` : `${name.replaceAll('.', '_')}_expires_at`
  await sql`create table if not exists ${table} (
    scope varchar(100) not null,
    id varchar(256) not null,
    token varchar(100) not null,
    done smallint not null,
    expires_at bigint not null,
    primary key (scope, id)
  )`.execute(db)
  await sql`create index if not exists ${sql.ref(index)} on ${isSqlite ? sql.ref(bare) : table} (expires_at)`.execute(
    db,
  )
}

/**
 * Keeps ids in a table of SQLite or PostgreSQL, through Kysely: for a consumer of several processes,
 * and for one that must not forget when it restarts. {@link createReplayTable} makes the table; ids that
 * have had their time are deleted now and then.
 *
 * @throws EventsError (`invalid_argument`) when an option cannot be used.
 *
 * @example
 * ```ts
 * import { createReceiver, generateSecret } from '@x/receiver'
 * import { kyselyReplayStore } from '@x/receiver/kysely'
 * import type { Kysely } from 'kysely'
 *
 * declare const db: Kysely<unknown>
 *
 * const receiver = createReceiver({ secrets: generateSecret(), replayStore: kyselyReplayStore(db) })
 * ```
 */
export function kyselyReplayStore(
  database: KyselyDatabase,
  options: KyselyReplayStoreOptions = {},
): ReplayStore {
  dialectOf('kyselyReplayStore', database)
  assertOption.fields('', options, NAMES)
  const { clock = systemClock, table: name = DEFAULT_TABLE } = options
  assertClock(assertOption, clock)
  assertTable(assertOption, name)
  const { leaseMs, ttlMs } = resolveReplayTimes(assertOption, options)
  const scope = checkScope(assertOption, options.scope ?? 'default')
  const open = () => openStatements(database, name)
  let nextPurge = clock.now() + PURGE_INTERVAL_MS

  /** One statement, so that the database decides between two callers. */
  async function claims(id: string, token: string): Promise<boolean> {
    const now = clock.now()
    const { sql, db, table } = await open()
    const { rows } = await sql`
      insert into ${table} as claim (scope, id, token, done, expires_at)
      values (${scope}, ${id}, ${token}, 0, ${now + leaseMs})
      on conflict (scope, id) do update
      set token = excluded.token, done = 0, expires_at = excluded.expires_at
      where claim.expires_at <= ${now}
      returning token`.execute(db)
    return rows.length > 0
  }

  /** A claim that lasts for longer than any: the clock was set back, and whoever has made it may be gone. */
  async function shortenClaim(id: string): Promise<void> {
    const until = clock.now() + leaseMs
    const { sql, db, table } = await open()
    await sql`
      update ${table} set expires_at = ${until}
      where scope = ${scope} and id = ${id} and done = 0 and expires_at > ${until}`.execute(db)
  }

  async function purge(): Promise<void> {
    const now = clock.now()
    if (now < nextPurge && nextPurge <= now + PURGE_INTERVAL_MS) return
    nextPurge = now + PURGE_INTERVAL_MS
    const { sql, db, table } = await open()
    await sql`
      update ${table} set expires_at = ${now + ttlMs} where expires_at > ${now + ttlMs} and scope = ${scope} and done = 1`.execute(
      db,
    )
    await sql`
      delete from ${table} where expires_at <= ${now} and (scope, id) in
      (select scope, id from ${table} where expires_at <= ${now} limit ${PURGE_BATCH})`.execute(db)
  }

  return {
    async begin(id, token) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        if (await claims(id, token)) return 'new'
        const { sql, db, table } = await open()
        // A word, since drivers give numbers in ways of their own: as BigInt, or as text.
        const { rows } = await sql<{ state: 'done' | 'in_progress' }>`
          select case done when 1 then 'done' else 'in_progress' end as state
          from ${table} where scope = ${scope} and id = ${id}`.execute(db)
        const [row] = rows
        if (!row) continue
        if (row.state === 'in_progress') await shortenClaim(id)
        return row.state
      }
      throw new EventsError('conflict', `kyselyReplayStore: ${id} changed hands ${MAX_TRIES} times`)
    },
    async complete(id, token) {
      const { sql, db, table } = await open()
      await sql`
        update ${table} set done = 1, expires_at = ${clock.now() + ttlMs}
        where scope = ${scope} and id = ${id} and token = ${token}`.execute(db)
      await purge()
    },
    async release(id, token) {
      const { sql, db, table } = await open()
      await sql`
        delete from ${table}
        where scope = ${scope} and id = ${id} and token = ${token} and done = 0`.execute(db)
    },
  }
}
