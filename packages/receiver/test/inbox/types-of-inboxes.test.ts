import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Knex } from 'knex'
import type { Kysely, Transaction } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { expectTypeOf, it } from 'vitest'
import { drizzleInbox } from '../../src/drizzle.ts'
import type { MountedReceiver } from '../../src/express.ts'
import {
  type ContextOf,
  createReceiver,
  type EventHandler,
  type Inbox,
  type Receiver,
  type WebhookContext,
} from '../../src/index.ts'
import { knexInbox } from '../../src/knex.ts'
import { kyselyInbox } from '../../src/kysely.ts'
import { pgInbox } from '../../src/pg.ts'
import { prismaInbox } from '../../src/prisma.ts'
import { secret } from '../messages.ts'
import type { PrismaClient, PrismaTransactionClient } from './hosts/prisma-client.ts'

interface Tables {
  effect: { message: string }
}

declare const kysely: Kysely<Tables>
declare const pool: Pool
declare const drizzleOnPg: NodePgDatabase
declare const drizzleOnSqlite: BetterSQLite3Database
declare const knex: Knex
declare const prisma: PrismaClient

type Sent = { 'order.paid': { orderId: string } }

it('gives handlers the transaction of the library', () => {
  const register = () => {
    createReceiver({ secrets: secret, inbox: kyselyInbox(kysely) }).on('File.*', (event, { trx }) => {
      expectTypeOf(event.data.entityName).toEqualTypeOf<'File'>()
      expectTypeOf(trx).toEqualTypeOf<Transaction<Tables>>()
    })
    createReceiver({ secrets: secret, inbox: pgInbox(pool) }).on('*', (_event, { trx }) => {
      expectTypeOf(trx).toEqualTypeOf<PoolClient>()
    })
    createReceiver({ secrets: secret, inbox: knexInbox(knex) }).on('*', (_event, { trx }) => {
      expectTypeOf(trx).toEqualTypeOf<Knex.Transaction>()
    })
    createReceiver({ secrets: secret, inbox: prismaInbox(prisma) }).on('*', (_event, { trx }) => {
      expectTypeOf(trx).toEqualTypeOf<PrismaTransactionClient>()
    })
    createReceiver({ secrets: secret, inbox: drizzleInbox(drizzleOnPg) }).on('*', (_event, { trx }) => {
      expectTypeOf(trx).toEqualTypeOf<Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0]>()
    })
    createReceiver({ secrets: secret, inbox: drizzleInbox(drizzleOnSqlite) }).on('*', (_event, { trx }) => {
      expectTypeOf(trx).toEqualTypeOf<Parameters<Parameters<BetterSQLite3Database['transaction']>[0]>[0]>()
      expectTypeOf(trx.insert).toBeFunction()
    })
  }
  expectTypeOf(register).toBeFunction()
})

it('goes with schemas, and with a map of events when both are named', () => {
  const register = () => {
    const receiver = createReceiver<Sent, Transaction<Tables>>({
      secrets: secret,
      inbox: kyselyInbox(kysely),
    })
    expectTypeOf(receiver).toEqualTypeOf<Receiver<Sent, Transaction<Tables>>>()
    receiver.on('order.paid', (event, { trx, signal }) => {
      expectTypeOf(event.data.orderId).toEqualTypeOf<string>()
      expectTypeOf(trx).toEqualTypeOf<Transaction<Tables>>()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
    })
    // @ts-expect-error the map alone is named, so that nothing is said of the transaction
    createReceiver<Sent>({ secrets: secret, inbox: kyselyInbox(kysely) })
  }
  expectTypeOf(register).toBeFunction()
})

it('knows no transaction without an inbox', () => {
  const register = () =>
    createReceiver({ secrets: secret }).on('*', (_event, context) => {
      expectTypeOf(context).toEqualTypeOf<WebhookContext>()
      // @ts-expect-error there is none
      context.trx
    })
  expectTypeOf(register).toBeFunction()
  expectTypeOf<ContextOf<never>>().toEqualTypeOf<WebhookContext>()
  expectTypeOf<
    Parameters<EventHandler<Sent, 'order.paid', PoolClient>>[1]['trx']
  >().toEqualTypeOf<PoolClient>()
  expectTypeOf<Receiver<object, PoolClient>>().toExtend<MountedReceiver>()
  expectTypeOf<Inbox<PoolClient>>().toExtend<Inbox<unknown>>()
})
