import { createEventEngine } from '@x/events-engine'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { measure } from '../hostile/measure.ts'
import { count, type Suite, table } from '../suite.ts'

const EVENTS = 1_000
const MEMBER = { name: 'x'.repeat(60), value: 12_345, list: [1, 2, 3] }
/** About 250 KB of JSON. */
const DATA = { rows: Array.from({ length: 2_500 }, () => MEMBER) }

async function measureBacklog({ db, name: databaseName }: BenchDatabase): Promise<(string | number)[]> {
  const raising = createEventEngine({ db })
  await raising.migrate()
  for (let id = 1; id <= EVENTS; id++) {
    await raising.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', id, 'Create', {
      data: DATA as never,
    })
  }
  let number = 0
  const rates: number[] = []
  const { blockMs, bytes } = await measure(async () => {
    // Another each time: an engine keeps what it has read for others for a while.
    const engine = createEventEngine({ db })
    const done = Promise.withResolvers<void>()
    let handled = 0
    const entitiesChanged = (events: readonly unknown[]) => {
      handled += events.length
      if (handled >= EVENTS) done.resolve()
    }
    const name = `large-${++number}`
    await engine.subscribe({ entitiesChanged }, { name, mode: 'durable', from: 'start', batchSize: 500 })
    const start = performance.now()
    await engine.start()
    await done.promise
    rates.push((EVENTS * 1_000) / (performance.now() - start))
    await engine.stop()
  })
  return [databaseName, count(Math.max(...rates)), blockMs.toFixed(0), (bytes / 1_000_000).toFixed(0)]
}

/** What a backlog of large events does to a host that reads it. */
export const benchLarge: Suite = {
  name: 'engine-large',
  title: `a backlog of ${count(EVENTS)} events of 250 KB, handled in batches: the best of five rounds`,
  async run() {
    const rows = []
    for (const open of [() => sqliteFile('FULL'), () => postgres()]) {
      await using database = await open()
      rows.push(await measureBacklog(database))
    }
    return table(['database', 'events a second', "longest block, ms of the processor's", 'memory, MB'], rows)
  },
}
