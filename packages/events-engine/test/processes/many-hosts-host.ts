// One of several hosts on one PostgreSQL. Argument: JSON of ManyHostsOptions. Raises, handles, and writes
// down what it handled, until it is killed or its parent is gone.
import { EntityNames, type SyncEvent } from '@x/events-core'
import { createEventEngine, type EventEngineOptions } from '@x/events-engine'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { ManyHostsOptions, ManyHostsTables } from './many-hosts-tables.ts'

const { url, node, raisers, leaseMs, pauseMs, timeoutMs } = JSON.parse(
  process.argv[2] ?? '{}',
) as ManyHostsOptions
process.stdin.on('end', () => process.exit(3)).resume()

const pool = new Pool({ connectionString: url, max: 10 })
const db = new Kysely<ManyHostsTables>({ dialect: new PostgresDialect({ pool }) })
const log = (_details: object, message: string) => void process.stdout.write(`log: ${message}\n`)
const options: EventEngineOptions<ManyHostsTables> = {
  db,
  postgres: { pool },
  leaseMs,
  pollMaxMs: 100,
  logger: { debug: log, info: log, warn: log, error: log },
}
const engine = createEventEngine(options)
const pause = () => new Promise((resolve) => setTimeout(resolve, pauseMs))

const rowOf = (subscription: string, event: SyncEvent) => ({
  subscription,
  node,
  event_id: event.id,
  entity_id: Number(event.entityId),
  version: Number(event.data),
})
async function handleAlone(subscription: string, event: SyncEvent): Promise<void> {
  process.stdout.write(`${subscription} ${event.id}\n`)
  await pause()
  await db.insertInto('handled').values(rowOf(subscription, event)).execute()
}

await engine.migrate()
await engine.subscribe(
  { entityChanged: (event) => handleAlone('each', event) },
  { name: 'each', mode: 'durable', from: 'start', timeoutMs },
)
await engine.subscribe(
  { entityChanged: (event) => handleAlone('lanes', event) },
  { name: 'lanes', mode: 'durable', from: 'start', concurrency: 4, orderBy: 'entity', timeoutMs },
)
await engine.subscribe(
  {
    async entitiesChanged(events, { trx }) {
      // No unique key: a second handling must show, not be refused.
      await trx
        .insertInto('handled')
        .values(events.map((event) => rowOf('batch', event)))
        .execute()
      process.stdout.write(`batch ${events.length}\n`)
      await pause()
    },
  },
  { name: 'batch', mode: 'durable', from: 'start', batchSize: 20, timeoutMs },
)
await engine.start()
process.stdout.write('started\n')

async function raiseOn(): Promise<void> {
  for (;;) {
    // Some take two entities, in ascending order: they wait for each other, but never in a circle.
    const first = Math.floor(Math.random() * 8)
    const entities = Math.random() < 0.3 ? [first, first + 1] : [first]
    await engine
      .transaction(async ({ trx, raise }) => {
        for (const entityId of entities) {
          const { version } = await trx
            .updateTable('entity')
            .set((eb) => ({ version: eb('version', '+', 1) }))
            .where('id', '=', entityId)
            .returning('version')
            .executeTakeFirstOrThrow()
          const site = { tenantId: 1, siteId: 1 }
          const event = await raise(site, EntityNames.File, entityId, 'Update', { data: version as never })
          await trx
            .insertInto('change')
            .values({ event_id: event.id, entity_id: entityId, version })
            .execute()
        }
        if (Math.random() < 0.2) throw new Error('taken back')
      })
      .catch(() => {})
  }
}
for (let raiser = 0; raiser < raisers; raiser++) void raiseOn()
