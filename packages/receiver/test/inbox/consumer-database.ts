import { join } from 'node:path'
import { temporaryFolder } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import type { HostKind } from './hosts/hosts.ts'
import { EFFECT_TABLE, type InboxHost } from './hosts/inbox-host.ts'

/** A mark, as it is stored. */
export interface Mark {
  readonly scope: string
  readonly id: string
  readonly receivedAt: number
}

/** A consumer's database, and a look at it that goes through no library under test. */
export interface ConsumerDatabase extends AsyncDisposable {
  /** What hosts and other processes connect to: an address, or a file. */
  readonly target: string
  effects(): Promise<string[]>
  marks(): Promise<Mark[]>
  insertMark(mark: Mark): Promise<void>
  /** Inserts so many marks of 1970. */
  insertOldMarks(scope: string, count: number): Promise<void>
  /** Takes what keeps all writers out, until it is let go of. */
  lock(): Promise<() => Promise<void>>
  /** Another connection to it, as another process has. */
  connect(): InboxHost
}

async function look(dialect: HostKind['dialect']) {
  if (dialect === 'postgres') {
    const database = await postgresDatabase<unknown>()
    const { pool, url } = database
    return {
      target: url,
      query: async (text: string, values: unknown[] = []) => (await pool.query(text, values)).rows,
      async lock() {
        const client = await pool.connect()
        await client.query('begin')
        await client.query('lock table webhook_inbox in access exclusive mode')
        return async () => {
          await client.query('rollback')
          client.release()
        }
      },
      end: () => database[Symbol.asyncDispose](),
    }
  }
  const folder = await temporaryFolder()
  const target = join(folder.path, 'consumer.db')
  const sqlite = new Database(target, { timeout: 5_000 })
  sqlite.pragma('journal_mode = WAL')
  return {
    target,
    async query(text: string, values: unknown[] = []) {
      const statement = sqlite.prepare(text.replaceAll(/\$\d/g, '?'))
      if (statement.reader) return statement.all(...values)
      statement.run(...values)
      return []
    },
    async lock() {
      sqlite.exec('begin immediate')
      return async () => void sqlite.exec('rollback')
    },
    async end() {
      sqlite.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Creates a database with the consumer's table and that of the inbox. */
export async function consumerDatabase({ dialect, load }: HostKind): Promise<ConsumerDatabase> {
  const connect = await load()
  const { target, query, lock, end } = await look(dialect)
  const opened: InboxHost[] = []
  await query(EFFECT_TABLE[dialect])
  const database: ConsumerDatabase = {
    target,
    lock,
    async effects() {
      const rows = await query('select message from effect order by n')
      return (rows as { message: string }[]).map(({ message }) => message)
    },
    async marks() {
      const rows = await query('select scope, id, received_at from webhook_inbox order by scope, id')
      return (rows as Record<string, unknown>[]).map((row) => ({
        scope: String(row['scope']),
        id: String(row['id']),
        receivedAt: Number(row['received_at']),
      }))
    },
    async insertMark({ scope, id, receivedAt }) {
      await query('insert into webhook_inbox (scope, id, received_at) values ($1, $2, $3)', [
        scope,
        id,
        receivedAt,
      ])
    },
    async insertOldMarks(scope, count) {
      await query(
        `insert into webhook_inbox (scope, id, received_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
         select cast($1 as varchar(100)), 'old_' || n, n from numbers`,
        [scope],
      )
    },
    connect() {
      const host = connect(target)
      opened.push(host)
      return host
    },
    async [Symbol.asyncDispose]() {
      for (const host of opened) await host[Symbol.asyncDispose]()
      await end()
    },
  }
  await database.connect().createInboxTable()
  return database
}
