import { createEventEngine } from '@x/events-engine'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { count, inTurn, median, ratio, type Suite, table } from '../suite.ts'

const ROUNDS = 9
const TRANSACTIONS = 400
const site = { tenantId: 1, siteId: 7 }
const data = { name: 'Home', path: '/home', text: 'x'.repeat(200) }

async function measure(database: BenchDatabase): Promise<(string | number)[]> {
  const { db } = database
  const engine = createEventEngine({ db })
  await engine.migrate()
  let pageId = 0

  const change = async (raising: boolean): Promise<number> => {
    const start = performance.now()
    for (let index = 0; index < TRANSACTIONS; index++) {
      await db.transaction().execute(async (trx) => {
        pageId += 1
        await trx.insertInto('page').values({ pageId, name: data.text, version: 1 }).execute()
        if (raising) await engine.syncManager.addSyncEvent(site, 'Page', pageId, 'Create', { trx, data })
      })
    }
    return (performance.now() - start) / TRANSACTIONS
  }
  const times = await inTurn(ROUNDS, { without: () => change(false), with: () => change(true) })
  return [
    database.name,
    `${(median(times.without) * 1_000).toFixed(0)} µs`,
    `${(median(times.with) * 1_000).toFixed(0)} µs`,
    ratio(times.with, times.without),
  ]
}

async function measureAlone(database: BenchDatabase): Promise<(string | number)[]> {
  const engine = createEventEngine({ db: database.db, tablePrefix: 'alone_' })
  await engine.migrate()
  const raise = async (raisers: number): Promise<number> => {
    const each = Math.ceil(2_000 / raisers)
    const start = performance.now()
    await Promise.all(
      Array.from({ length: raisers }, async () => {
        for (let index = 0; index < each; index++) {
          await engine.syncManager.addSyncEvent(site, 'Page', index, 'Update', { data })
        }
      }),
    )
    return (raisers * each * 1_000) / (performance.now() - start)
  }
  const rates = await inTurn(5, { one: () => raise(1), eight: () => raise(8), many: () => raise(256) })
  return [database.name, count(median(rates.one)), count(median(rates.eight)), count(median(rates.many))]
}

/** What raising costs beside the change that it tells of. */
export const benchRaise: Suite = {
  name: 'engine-raise',
  title: 'one insert transaction, without and with an event raised in it',
  async run() {
    const inTransaction = []
    const alone = []
    for (const open of [() => sqliteFile('FULL'), () => sqliteFile('NORMAL'), () => postgres()]) {
      await using database = await open()
      inTransaction.push(await measure(database))
      alone.push(await measureAlone(database))
    }
    return [
      ...table(['database', 'without', 'with', 'with / without (to reach: <= 1.5)'], inTransaction),
      '',
      'Events a second, raised outside of a transaction (concurrent ones share commits):',
      '',
      ...table(['database', '1 raiser', '8 raisers', '256 raisers'], alone),
    ]
  },
}
