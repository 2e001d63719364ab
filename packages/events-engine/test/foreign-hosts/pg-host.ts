import { Pool, type PoolClient } from 'pg'
import { fromPg } from '../../src/adapters/pg.ts'
import type { ForeignHost, ForeignWork } from './foreign-host.ts'

export function openPgHost(url: string): ForeignHost {
  const pool = new Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})

  async function within(client: PoolClient, verbs: [string, string, string], work: () => Promise<void>) {
    const [begin, commit, rollback] = verbs
    await client.query(begin)
    try {
      await work()
    } catch (error) {
      await client.query(rollback)
      throw error
    }
    await client.query(commit)
  }

  function workOn(client: PoolClient, depth = 0): ForeignWork {
    return {
      trx: fromPg(client),
      async insertPage(pageId, name) {
        await client.query('insert into page ("pageId", name) values ($1, $2)', [pageId, name])
      },
      nested: (work) =>
        within(
          client,
          [`savepoint s${depth}`, `release savepoint s${depth}`, `rollback to savepoint s${depth}`],
          () => work(workOn(client, depth + 1)),
        ),
    }
  }

  return {
    async transaction(work) {
      const client = await pool.connect()
      try {
        await within(client, ['begin', 'commit', 'rollback'], () => work(workOn(client)))
      } finally {
        client.release()
      }
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
