import postgres from 'postgres'
import { foreignTransaction } from '../../src/index.ts'
import type { ForeignHost, ForeignWork } from './foreign-host.ts'

export function openPostgresJsHost(url: string): ForeignHost {
  const sql = postgres(url, { max: 2, onnotice: () => {} })

  function workOn(trx: postgres.TransactionSql): ForeignWork {
    return {
      trx: foreignTransaction({
        library: 'postgres.js',
        execute: async (statement, parameters) => (await trx.unsafe(statement, parameters as never[])).count,
      }),
      async insertPage(pageId, name) {
        await trx`insert into page ("pageId", name) values (${pageId}, ${name})`
      },
      async nested(work) {
        await trx.savepoint((inner) => work(workOn(inner)))
      },
    }
  }

  return {
    async transaction(work) {
      await sql.begin((trx) => work(workOn(trx)))
    },
    [Symbol.asyncDispose]: () => sql.end(),
  }
}
