import { EntityNames } from '@x/events-core'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { drizzle as drizzleSqlite } from 'drizzle-orm/better-sqlite3'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import knex, { type Knex } from 'knex'
import type { Client, Pool, PoolClient } from 'pg'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type DrizzleTransaction, fromDrizzle } from '../../src/adapters/drizzle.ts'
import { fromKnex, type KnexTransaction } from '../../src/adapters/knex.ts'
import { fromPg, type PgClient } from '../../src/adapters/pg.ts'
import { fromPrisma, type PrismaTransaction } from '../../src/adapters/prisma.ts'
import { createEventEngine, foreignTransaction, type HostTransaction } from '../../src/index.ts'
import { openEngine, site } from '../open-engine.ts'
import { createPrismaClient, type PrismaClient, type PrismaTransactionClient } from './prisma-client.ts'

type DrizzlePgTransaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0]

describe('fromPg', () => {
  it('refuses a pool, each query of which may run on another connection', async () => {
    await using database = await postgresDatabase()
    expectTypeOf<Pool>().not.toExtend<PgClient>()
    expect(() => fromPg(database.pool as never)).toThrow(
      expect.objectContaining({ code: 'not_a_transaction' }),
    )
  })

  it.each([undefined, null, {}, 'begin'])('refuses %j', (value) => {
    expect(() => fromPg(value as never)).toThrow(expect.objectContaining({ code: 'not_a_transaction' }))
  })

  it('refuses a client without a transaction before it writes, and one whose transaction has ended', async () => {
    await using database = await postgresDatabase()
    const engine = createEventEngine({ db: database.db })
    await engine.migrate()
    const client = await database.pool.connect()
    const trx = fromPg(client)
    const raise = () => engine.syncManager.addSyncEvent(site, EntityNames.Page, 1, 'Update', { trx })

    await client.query('select 1')
    await expect(raise()).rejects.toMatchObject({ code: 'not_a_transaction' })
    await client.query('begin')
    await raise()
    await client.query('commit')
    await expect(raise()).rejects.toMatchObject({ code: 'not_a_transaction' })

    const { rows } = await client.query('select count(*)::int as events from xe_sync_event')
    expect(rows).toEqual([{ events: 1 }])
    client.release()
  })

  it('fits the clients of pg', () => {
    expectTypeOf<Client>().toExtend<PgClient>()
    expectTypeOf<PoolClient>().toExtend<PgClient>()
  })
})

describe('fromDrizzle', () => {
  it('refuses the database itself', async () => {
    await using database = await postgresDatabase()
    const db = drizzle({ client: database.pool })
    expectTypeOf<typeof db>().not.toExtend<DrizzleTransaction>()
    expect(() => fromDrizzle(db as never)).toThrow(expect.objectContaining({ code: 'not_a_transaction' }))
  })

  it.each([undefined, null, {}, 'begin'])('refuses %j', (value) => {
    expect(() => fromDrizzle(value as never)).toThrow(expect.objectContaining({ code: 'not_a_transaction' }))
  })

  it('refuses a transaction of SQLite', () => {
    const db = drizzleSqlite({ client: new Database(':memory:') })
    expect(() => db.transaction((tx) => fromDrizzle(tx as never))).toThrow(
      expect.objectContaining({ code: 'unsupported_dialect', message: expect.stringContaining('SQLite') }),
    )
  })

  it('fits the transactions of Drizzle', () => {
    expectTypeOf<DrizzlePgTransaction>().toExtend<DrizzleTransaction>()
  })
})

describe('fromKnex', () => {
  it('refuses Knex itself', async () => {
    const db = knex({ client: 'pg', connection: 'postgres://nobody@127.0.0.1:1/nowhere' })
    expectTypeOf<Knex>().not.toExtend<KnexTransaction>()
    expect(() => fromKnex(db as never)).toThrow(expect.objectContaining({ code: 'not_a_transaction' }))
    await db.destroy()
  })

  it.each([undefined, null, {}, 'begin'])('refuses %j', (value) => {
    expect(() => fromKnex(value as never)).toThrow(expect.objectContaining({ code: 'not_a_transaction' }))
  })

  it('refuses a transaction of SQLite', async () => {
    const db = knex({
      client: 'better-sqlite3',
      connection: { filename: ':memory:' },
      useNullAsDefault: true,
    })
    const raising = db.transaction(async (trx) => void fromKnex(trx))
    await expect(raising).rejects.toMatchObject({
      code: 'unsupported_dialect',
      message: expect.stringContaining('sqlite3'),
    })
    await db.destroy()
  })

  it('fits the transactions of Knex', () => {
    expectTypeOf<Knex.Transaction>().toExtend<KnexTransaction>()
  })
})

describe('fromPrisma', () => {
  it('refuses the client itself', async () => {
    const prisma = createPrismaClient('postgres://nobody@127.0.0.1:1/nowhere')
    expectTypeOf<PrismaClient>().not.toExtend<PrismaTransaction>()
    expect(() => fromPrisma(prisma as never)).toThrow(expect.objectContaining({ code: 'not_a_transaction' }))
    await prisma.$disconnect()
  })

  it.each([undefined, null, {}, 'begin'])('refuses %j', (value) => {
    expect(() => fromPrisma(value as never)).toThrow(expect.objectContaining({ code: 'not_a_transaction' }))
  })

  it('fits the transactions of Prisma', () => {
    expectTypeOf<PrismaTransactionClient>().toExtend<PrismaTransaction>()
  })
})

describe('addSyncEvent', () => {
  const trx = foreignTransaction({ library: 'another library', execute: async () => 1 })

  it('takes transactions of any library that foreignTransaction wraps', () => {
    expectTypeOf(trx).toExtend<HostTransaction<unknown>>()
    // Only what is wrapped: a client would be used without the checks above.
    expectTypeOf<PoolClient>().not.toExtend<HostTransaction<unknown>>()
  })

  it('refuses them on SQLite', async () => {
    await using host = await openEngine()
    const raising = host.engine.syncManager.addSyncEvent(site, EntityNames.Page, 1, 'Update', { trx })
    await expect(raising).rejects.toMatchObject({ code: 'unsupported_dialect' })
  })
})
