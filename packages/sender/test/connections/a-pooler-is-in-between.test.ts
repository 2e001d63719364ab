import { createEventEngine, type EventEngineOptions } from '@x/events-engine'
import { silencingProxy, testConsumer, waitFor } from '@x/testkit'
import { pgbouncerTests } from '@x/testkit/pgbouncer'
import { postgresDatabase } from '@x/testkit/postgres'
import { expect, it } from 'vitest'
import { createWebhookSender } from '../../src/index.ts'
import { encryptionKey, recordingLogger, site } from '../open-host.ts'

type Options = Partial<EventEngineOptions<object>>

/** A host as it would be behind a pooler. */
function openNode(connection: Pick<EventEngineOptions<object>, 'db' | 'postgres'>, options: Options = {}) {
  const logger = recordingLogger()
  const engine = createEventEngine({ ...connection, logger, leaseMs: 3_000, pollMaxMs: 100, ...options })
  const sender = createWebhookSender({
    engine,
    encryptionKey,
    network: { allow: ['127.0.0.0/8'] },
    leaseMs: 3_000,
    pollMaxMs: 100,
  })
  return {
    engine,
    sender,
    logger,
    async start() {
      await sender.start()
      await engine.start()
    },
    async [Symbol.asyncDispose]() {
      await sender.stop()
      await engine.stop()
    },
  }
}

pgbouncerTests('behind PgBouncer', (startPgBouncer) => {
  it('lets nodes migrate at once in transaction mode, and leaves no lock behind', async () => {
    await using database = await postgresDatabase<object>()
    await using bouncer = await startPgBouncer(database.url, 'transaction')
    const nodes = Array.from({ length: 4 }, () => {
      const { db, pool } = database.connect({ url: bouncer.url, max: 3 })
      return openNode({ db, postgres: { pool } })
    })
    await Promise.all(nodes.map(({ sender }) => sender.migrate()))
    const { rows } = await database.pool.query(
      `select from pg_locks join pg_database on oid = database
      where datname = current_database() and locktype = 'advisory'`,
    )
    expect(rows).toEqual([])
    const before = await database.pool.query('select * from xe_migration, xe_webhook_migration')
    await Promise.all(nodes.map(({ sender }) => sender.migrate()))
    const after = await database.pool.query('select * from xe_migration, xe_webhook_migration')
    expect(after.rows).toEqual(before.rows)
  })

  it.each(['transaction', 'session'] as const)(
    'delivers in %s mode, and says where it cannot listen',
    async (mode) => {
      await using database = await postgresDatabase<object>()
      await using bouncer = await startPgBouncer(database.url, mode)
      await using consumer = await testConsumer()
      const connections = [1, 2].map(() => database.connect({ url: bouncer.url, max: 2 }))
      await using first = openNode({
        db: connections[0]?.db as never,
        postgres: { pool: connections[0]?.pool as never },
      })
      await using second = openNode({
        db: connections[1]?.db as never,
        postgres: { pool: connections[1]?.pool as never },
      })
      await first.sender.migrate()
      await first.start()
      await second.start()
      await first.sender.endpoints.create({
        tenantId: 1,
        url: consumer.url,
        eventTypes: ['File.*'],
        ordering: 'fifo',
      })
      for (let id = 0; id < 30; id++) {
        const { engine } = id % 2 === 0 ? first : second
        await engine.transaction(({ raise }) => raise(site, 'File', id, 'Update'))
      }
      await consumer.received(30, 15_000)
      const ids = consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId)
      expect(ids).toEqual(Array.from({ length: 30 }, (_, id) => id))
      const warnings = () => first.logger.messages.filter((message) => message.includes('listen_unavailable'))
      if (mode === 'session') expect(warnings()).toEqual([])
      else await waitFor(() => warnings().length === 1, 'the warning')
    },
    40_000,
  )

  it('listens over a pool of direct connections', async () => {
    await using database = await postgresDatabase<object>()
    await using bouncer = await startPgBouncer(database.url, 'transaction')
    const direct = database.connect({ max: 1 }).pool
    const { db, pool } = database.connect({ url: bouncer.url, max: 2 })
    const never = { pollMinMs: 600_000, pollMaxMs: 600_000 }
    await using node = openNode({ db, postgres: { pool, listen: direct } }, never)
    await node.sender.migrate()
    await node.start()
    const seen: unknown[] = []
    await node.engine.subscribe(
      { entityChanged: ({ entityId }) => void seen.push(entityId) },
      { name: 'hears', mode: 'broadcast' },
    )
    await using other = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
    await other.start()
    let raised = 0
    await waitFor(async () => {
      await other.syncManager.addSyncEvent(site, 'File', raised++, 'Update')
      return seen.length > 0
    }, 'it to hear of the other node')
    expect(node.logger.messages.join('\n')).not.toMatch(/polling/)
  })

  it('goes on when connections to the pooler fall silent', async () => {
    await using database = await postgresDatabase<object>()
    await using bouncer = await startPgBouncer(database.url, 'transaction')
    await using proxy = await silencingProxy(bouncer.url)
    await using consumer = await testConsumer()
    const { db, pool } = database.connect({ url: proxy.url, max: 5 })
    await using node = openNode({ db, postgres: { pool, listen: false } })
    await node.sender.migrate()
    await node.start()
    await node.sender.endpoints.create({ tenantId: 1, url: consumer.url, eventTypes: ['File.*'] })
    await using raiser = createEventEngine({ db: database.db })
    await raiser.syncManager.addSyncEvent(site, 'File', 0, 'Update')
    await consumer.received(1, 10_000)
    proxy.silence()
    await raiser.syncManager.addSyncEvent(site, 'File', 1, 'Update')
    await waitFor(
      () => consumer.requests.some(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId === 1),
      'the webhook after the silence',
    )
    expect(node.logger.messages.join('\n')).toMatch(/stopped answering/)
  })

  it('does not start in statement mode, which has no transactions', async () => {
    await using database = await postgresDatabase<object>()
    await using bouncer = await startPgBouncer(database.url, 'statement')
    const { db } = database.connect({ url: bouncer.url, max: 2 })
    await using node = openNode({ db })
    await expect(node.sender.migrate()).rejects.toThrow()
  })
})
