import { createInboxTable, prismaInbox } from '../../../src/prisma.ts'
import { COUNT, type ConnectHost, type InboxHost, REFUSED } from './inbox-host.ts'
import {
  type PrismaClient,
  prismaOfPostgres,
  prismaOfSqlite,
  type PrismaTransactionClient as Trx,
} from './prisma-client.ts'

export const prismaOnPg: ConnectHost = (url) => hostOf(prismaOfPostgres(url))
export const prismaOnSqlite: ConnectHost = (file) => hostOf(prismaOfSqlite(file))

function hostOf(prisma: PrismaClient): InboxHost {
  return {
    createInboxTable: (table) => createInboxTable(prisma, table),
    inbox: (options) => prismaInbox(prisma, options),
    write: (trx, message) => (trx as Trx).effect.create({ data: { message } }),
    fail: (trx) => (trx as Trx).$executeRawUnsafe(REFUSED),
    count: (trx) => (trx as Trx).$queryRawUnsafe(COUNT),
    [Symbol.asyncDispose]: () => prisma.$disconnect(),
  }
}
