import { createEventEngine, type EventEngine } from '@x/events-engine'
import { type BenchDatabase, type BenchTables, postgres, sqliteFile } from '../databases.ts'
import { percentile, type Suite, table } from '../suite.ts'

const EVENTS = 600
const PER_SECOND = 100
const site = { tenantId: 1, siteId: 7 }

type RaiseOne = (engine: EventEngine<BenchTables>, entityId: number) => Promise<unknown>

const inEngineTransaction: RaiseOne = (engine, entityId) =>
  engine.transaction(({ raise }) => raise(site, 'Page', entityId, 'Update'))
const inHostTransaction: RaiseOne = (engine, entityId) =>
  engine.db
    .transaction()
    .execute((trx) => engine.syncManager.addSyncEvent(site, 'Page', entityId, 'Update', { trx }))

/** Raises at a steady rate on one node, and measures from before the commit to the call on another, or the same. */
async function measure(
  raiser: EventEngine<BenchTables>,
  handler: EventEngine<BenchTables>,
  raiseOne: RaiseOne,
): Promise<number[]> {
  const startedAt = new Map<number, number>()
  const delays: number[] = []
  const done = Promise.withResolvers<void>()
  await handler.subscribe(
    {
      entityChanged(event) {
        delays.push(performance.now() - (startedAt.get(Number(event.entityId)) as number))
        if (delays.length === EVENTS) done.resolve()
      },
    },
    { name: `wake-${raiseOne.name}-${handler === raiser ? 'here' : 'there'}`, mode: 'durable' },
  )
  const begin = performance.now()
  for (let index = 0; index < EVENTS; index++) {
    const due = begin + (index * 1_000) / PER_SECOND
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    startedAt.set(index, performance.now())
    void raiseOne(raiser, index)
  }
  await done.promise
  return delays
}

async function rowsOf(database: BenchDatabase): Promise<string[][]> {
  const here = createEventEngine({
    db: database.db,
    ...(database.pool ? { postgres: { pool: database.pool } } : {}),
  })
  await here.migrate()
  await here.start()
  const row = (how: string, delays: number[]) => [
    database.name,
    how,
    `${percentile(delays, 50).toFixed(1)} ms`,
    `${percentile(delays, 99).toFixed(1)} ms`,
  ]
  const rows = [
    row('same node, engine.transaction', await measure(here, here, inEngineTransaction)),
    row("same node, the host's own transaction", await measure(here, here, inHostTransaction)),
  ]
  if (database.pool) {
    const there = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
    await there.start()
    rows.push(row('another node, by NOTIFY', await measure(here, there, inEngineTransaction)))
    await there.stop()
  }
  await here.stop()
  return rows
}

/** How soon after it is raised an event is handled. */
export const benchWake: Suite = {
  name: 'engine-wake',
  title: `from raise to the call of the subscriber, at ${PER_SECOND} events/s`,
  async run() {
    const rows = []
    for (const open of [() => sqliteFile('FULL'), () => postgres()]) {
      await using database = await open()
      rows.push(...(await rowsOf(database)))
    }
    return table(['database', 'from where to where', 'p50', 'p99'], rows)
  },
}
