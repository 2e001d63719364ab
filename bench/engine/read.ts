import { createEventEngine, type SubscribeOptions } from '@x/events-engine'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { count, median, type Suite, table } from '../suite.ts'

const EVENTS = 20_000
const ROUNDS = 3
const site = { tenantId: 1, siteId: 7 }

async function measure(database: BenchDatabase): Promise<(string | number)[]> {
  const engine = createEventEngine({ db: database.db })
  await engine.migrate()
  const raised = Array.from({ length: EVENTS }, (_, index) =>
    engine.syncManager.addSyncEvent(site, 'Page', index % 500, 'Update', { data: { index } }),
  )
  await Promise.all(raised)
  await engine.start()

  let number = 0
  const handleAll = async (options: Partial<SubscribeOptions>, batched: boolean): Promise<number> => {
    const rates: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const done = Promise.withResolvers<void>()
      let handled = 0
      const handle = (events: number) => {
        handled += events
        if (handled >= EVENTS) done.resolve()
      }
      const name = `read-${++number}`
      const start = performance.now()
      await engine.subscribe(
        batched
          ? { entitiesChanged: async (events) => handle(events.length) }
          : { entityChanged: async () => handle(1) },
        { name, mode: 'durable', from: 'start', ...options },
      )
      await done.promise
      rates.push((EVENTS * 1_000) / (performance.now() - start))
      await engine.unsubscribe(name)
    }
    return median(rates)
  }
  const row = [
    database.name,
    count(await handleAll({}, false)),
    count(await handleAll({ concurrency: 16, orderBy: 'entity' }, false)),
    count(await handleAll({ batchSize: 500 }, true)),
  ]
  await engine.stop()
  return row
}

/** How fast a durable subscription works off the log, when its subscriber takes no time. */
export const benchRead: Suite = {
  name: 'engine-read',
  title: `events a second that a durable subscription handles, from a log of ${count(EVENTS)}`,
  async run() {
    const rows = []
    for (const open of [() => sqliteFile('FULL'), () => postgres()]) {
      await using database = await open()
      rows.push(await measure(database))
    }
    return table(['database', 'one by one', '16 at a time, in order by entity', 'in batches of 500'], rows)
  },
}
