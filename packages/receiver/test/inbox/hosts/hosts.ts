import type { ConnectHost } from './inbox-host.ts'

/** A library on a database. */
export interface HostKind {
  readonly name: string
  readonly dialect: 'sqlite' | 'postgres'
  /** Loads the library: a process of a test loads its own alone. */
  load(): Promise<ConnectHost>
  /** Whether its transactions are synchronous, and so its handlers. */
  readonly isSync?: boolean
}

/** Every library on each database that it has. */
export const hosts: readonly HostKind[] = [
  {
    name: 'Kysely on SQLite',
    dialect: 'sqlite',
    load: async () => (await import('./kysely-host.ts')).kyselyOnSqlite,
  },
  {
    name: 'Kysely on PostgreSQL',
    dialect: 'postgres',
    load: async () => (await import('./kysely-host.ts')).kyselyOnPg,
  },
  {
    name: 'Kysely on PostgreSQL through postgres.js',
    dialect: 'postgres',
    load: async () => (await import('./kysely-host.ts')).kyselyOnPostgresJs,
  },
  { name: 'pg', dialect: 'postgres', load: async () => (await import('./pg-host.ts')).pg },
  {
    name: 'Drizzle on SQLite',
    dialect: 'sqlite',
    load: async () => (await import('./drizzle-host.ts')).drizzleOnSqlite,
    isSync: true,
  },
  {
    name: 'Drizzle on PostgreSQL',
    dialect: 'postgres',
    load: async () => (await import('./drizzle-host.ts')).drizzleOnPg,
  },
  {
    name: 'Drizzle on PostgreSQL through postgres.js',
    dialect: 'postgres',
    load: async () => (await import('./drizzle-host.ts')).drizzleOnPostgresJs,
  },
  {
    name: 'Knex on SQLite',
    dialect: 'sqlite',
    load: async () => (await import('./knex-host.ts')).knexOnSqlite,
  },
  {
    name: 'Knex on PostgreSQL',
    dialect: 'postgres',
    load: async () => (await import('./knex-host.ts')).knexOnPg,
  },
  {
    name: 'Prisma on SQLite',
    dialect: 'sqlite',
    load: async () => (await import('./prisma-host.ts')).prismaOnSqlite,
  },
  {
    name: 'Prisma on PostgreSQL',
    dialect: 'postgres',
    load: async () => (await import('./prisma-host.ts')).prismaOnPg,
  },
]
