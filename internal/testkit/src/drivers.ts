import { DatabaseSync } from 'node:sqlite'
import { PGlite } from '@electric-sql/pglite'
import Database from 'better-sqlite3'
import {
  CamelCasePlugin,
  type Dialect,
  Kysely,
  type KyselyPlugin,
  ParseJSONResultsPlugin,
  PGliteDialect,
  PostgresDialect,
  type SqliteDatabase,
  SqliteDialect,
} from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'
import { Pool, types as pgTypes } from 'pg'
import postgres from 'postgres'
import { postgresDatabase } from './postgres.ts'

/** An empty database through one driver. */
export interface DriverDatabase<DB> extends AsyncDisposable {
  readonly db: Kysely<DB>
}

/** A driver that hosts may give to Kysely, told to give values in a way of its own. */
export interface Driver {
  readonly name: string
  readonly dialect: 'sqlite' | 'postgres'
  open<DB>(): Promise<DriverDatabase<DB>>
}

function onSqlite(name: string, openDatabase: () => SqliteDatabase, plugins: KyselyPlugin[] = []): Driver {
  return {
    name,
    dialect: 'sqlite',
    async open<DB>() {
      const db = new Kysely<DB>({ dialect: new SqliteDialect({ database: openDatabase() }), plugins })
      return { db, [Symbol.asyncDispose]: () => db.destroy() }
    },
  }
}

function onPostgres(name: string, connect: (url: string) => Dialect): Driver {
  return {
    name,
    dialect: 'postgres',
    async open<DB>() {
      const database = await postgresDatabase<DB>()
      const db = new Kysely<DB>({ dialect: connect(database.url) })
      return {
        db,
        async [Symbol.asyncDispose]() {
          await db.destroy()
          await database[Symbol.asyncDispose]()
        },
      }
    },
  }
}

/** Node's own SQLite, as Kysely's dialect wants it. */
function nodeSqlite(readBigInts: boolean): SqliteDatabase {
  const database = new DatabaseSync(':memory:')
  return {
    prepare(text) {
      const statement = database.prepare(text)
      statement.setReadBigInts(readBigInts)
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as string[])),
        run: (parameters) => statement.run(...(parameters as string[])),
        iterate: (parameters) => statement.iterate(...(parameters as string[])),
      }
    },
    close: () => database.close(),
  }
}

/** A pool whose clients alone have these parsers: those of pg belong to the whole process. */
function parsingPool(url: string, parse: (oid: number) => ((value: string) => unknown) | undefined): Pool {
  const pool = new Pool({
    connectionString: url,
    max: 5,
    types: { getTypeParser: (oid: number) => parse(oid) ?? pgTypes.getTypeParser(oid) },
  } as ConstructorParameters<typeof Pool>[0])
  // The database is dropped before the last of its idle connections has ended.
  pool.on('error', () => {})
  return pool
}

const INT8 = 20

const known: readonly Driver[] = [
  onPostgres(
    'postgres.js',
    (url) => new PostgresJSDialect({ postgres: postgres(url, { max: 5, onnotice: () => {} }) }),
  ),
  onPostgres(
    'postgres.js with BigInts, one connection and no prepared statements',
    (url) =>
      new PostgresJSDialect({
        postgres: postgres(url, {
          max: 1,
          prepare: false,
          onnotice: () => {},
          types: { bigint: postgres.BigInt },
        }),
      }),
  ),
  {
    name: 'PGlite',
    dialect: 'postgres',
    async open<DB>() {
      const pglite = new PGlite()
      // Compiling it takes longer than a test.
      await pglite.waitReady
      const db = new Kysely<DB>({ dialect: new PGliteDialect({ pglite }) })
      return { db, [Symbol.asyncDispose]: () => db.destroy() }
    },
  },
  onPostgres(
    'pg, bigints as BigInt and JSON as text',
    (url) => new PostgresDialect({ pool: parsingPool(url, bigintsAndTexts) }),
  ),
  onPostgres(
    'pg, everything as text',
    (url) => new PostgresDialect({ pool: parsingPool(url, () => String) }),
  ),
  onPostgres(
    'pg, bigints as numbers',
    (url) => new PostgresDialect({ pool: parsingPool(url, (oid) => (oid === INT8 ? Number : undefined)) }),
  ),
  onSqlite('better-sqlite3 with safe integers', () => new Database(':memory:').defaultSafeIntegers(true)),
  onSqlite(
    'better-sqlite3 with safe integers, behind plugins',
    () => new Database(':memory:').defaultSafeIntegers(true),
    [new CamelCasePlugin(), new ParseJSONResultsPlugin()],
  ),
  onSqlite('node:sqlite', () => nodeSqlite(false)),
  onSqlite('node:sqlite with BigInts', () => nodeSqlite(true)),
]

/** What is supported beside the drivers' defaults. Kysely 0.28 has no dialect for PGlite. */
export const drivers = known.filter(({ name }) => name !== 'PGlite' || PGliteDialect !== undefined)

/** Bigints as BigInt; JSON, and times with and without their zone, as text. */
function bigintsAndTexts(oid: number): ((value: string) => unknown) | undefined {
  return oid === INT8 ? BigInt : [114, 3802, 1114, 1184].includes(oid) ? String : undefined
}
