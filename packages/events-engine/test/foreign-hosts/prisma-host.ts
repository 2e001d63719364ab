import { fromPrisma } from '../../src/adapters/prisma.ts'
import type { ForeignHost, ForeignWork } from './foreign-host.ts'
import { createPrismaClient, type PrismaTransactionClient } from './prisma-client.ts'

export function openPrismaHost(url: string): ForeignHost {
  const prisma = createPrismaClient(url)

  function workOn(tx: PrismaTransactionClient): ForeignWork {
    return {
      trx: fromPrisma(tx),
      async insertPage(pageId, name) {
        await tx.page.create({ data: { pageId, name } })
      },
      nested: (work) => tx.$transaction((inner) => work(workOn(inner))),
    }
  }

  return {
    transaction: (work) => prisma.$transaction((tx) => work(workOn(tx))),
    [Symbol.asyncDispose]: () => prisma.$disconnect(),
  }
}
