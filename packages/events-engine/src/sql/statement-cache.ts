import type { SqliteDatabase, SqliteStatement } from 'kysely'

/** What {@link withStatementCache} takes. */
export interface StatementCacheOptions {
  /**
   * Most statements that are kept; the one that was used longest ago makes way.
   * @defaultValue 250
   */
  readonly max?: number | undefined
}

const LONGEST_TEXT = 32_768
// Their effect on the connection ends with them; others (pragma, attach) are too rare to be worth it.
const KEPT = /^\s*(?:select|insert|update|delete|with|begin|commit|rollback)\b/i

/**
 * Keeps what better-sqlite3 has prepared. Kysely has every statement prepared anew, which takes SQLite longer than to run
 * a short one; with this between the two, the engine's statements and the host's own are prepared once.
 *
 * A statement that is kept notices when tables change, as any of SQLite's does. What is streamed (`stream()`) gets a
 * statement of its own, so that the same text can be run in the midst of it.
 *
 * @param database - a `Database` of better-sqlite3, or another that Kysely's `SqliteDialect` takes.
 * @returns what to give to `SqliteDialect` in its place.
 * @example
 * ```ts
 * import Database from 'better-sqlite3'
 * import { Kysely, SqliteDialect } from 'kysely'
 * import { withStatementCache } from '@x/events-engine'
 *
 * const database = new Database(':memory:')
 * database.pragma('journal_mode = WAL')
 * const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: withStatementCache(database) }) })
 * ```
 */
export function withStatementCache(
  database: SqliteDatabase,
  { max = 250 }: StatementCacheOptions = {},
): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()

  function keep(text: string): SqliteStatement {
    const statement = database.prepare(text)
    const { reader } = statement
    const reusable: SqliteStatement = {
      reader,
      all: (parameters) => statement.all(parameters),
      run: (parameters) => statement.run(parameters),
      iterate: (parameters) => database.prepare(text).iterate(parameters),
    }
    const [oldest] = kept.size >= max ? kept.keys() : []
    if (oldest !== undefined) kept.delete(oldest)
    kept.set(text, reusable)
    return reusable
  }

  return {
    prepare(text) {
      const found = kept.get(text)
      if (!found) return text.length <= LONGEST_TEXT && KEPT.test(text) ? keep(text) : database.prepare(text)
      // The last of the map is the one that was used last.
      kept.delete(text)
      kept.set(text, found)
      return found
    },
    close() {
      kept.clear()
      database.close()
    },
  }
}
