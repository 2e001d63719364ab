import knex, { type Knex } from 'knex'
import { fromKnex } from '../../src/adapters/knex.ts'
import type { ForeignHost, ForeignWork } from './foreign-host.ts'

export function openKnexHost(url: string): ForeignHost {
  const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })

  function workOn(trx: Knex.Transaction): ForeignWork {
    return {
      trx: fromKnex(trx),
      async insertPage(pageId, name) {
        await trx('page').insert({ pageId, name })
      },
      nested: (work) => trx.transaction((inner) => work(workOn(inner))),
    }
  }

  return {
    transaction: (work) => db.transaction((trx) => work(workOn(trx))),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}
