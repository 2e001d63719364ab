import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createReceiver, type SequenceNotice } from '@x/receiver'
import { createInboxTable, kyselyInbox } from '@x/receiver/kysely'
import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { serveEvents } from '../events-api/serve-events.ts'
import { site, startHost } from '../open-host.ts'

interface ConsumerTables {
  effect: { message: string }
}

/** A consumer's database with its table, and that of the inbox. */
async function consumerDatabase(dialect: 'sqlite' | 'postgres') {
  const stack = new AsyncDisposableStack()
  let db: Kysely<ConsumerTables>
  if (dialect === 'postgres') db = stack.use(await postgresDatabase<ConsumerTables>()).db
  else {
    db = new Kysely({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    stack.defer(() => db.destroy())
  }
  await db.schema
    .createTable('effect')
    .addColumn('message', 'text', (column) => column.notNull())
    .execute()
  await createInboxTable(db)
  return { db, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

it.each(['sqlite', 'postgres'] as const)(
  'heals what somebody in between drops, repeats, reorders and alters; the inbox is on %s',
  async (dialect) => {
    await using host = await startHost()
    await using consumer = await consumerDatabase(dialect)
    await using events = await serveEvents(host)
    const { endpoints } = host.sender
    let dropsAll = false
    let inWork = Promise.resolve()

    // Somebody who answers the sender as if all were well.
    const adversary = createServer(async (request, response) => {
      const body = await bodyOf(request)
      const sequence = Number(request.headers['webhook-sequence'])
      const headers = request.headers as Record<string, string>
      const pass = async (changed: Buffer = body) => {
        await receiver.receive({ method: 'POST', headers, body: changed })
      }
      const act = async () => {
        if (dropsAll || sequence % 7 === 2) return
        if (sequence % 7 === 4) return pass(Buffer.from(body.toString().replace('Page', 'File')))
        await pass()
        if (sequence % 7 === 5) await pass()
      }
      // One in seven comes after the next ones.
      if (sequence % 7 === 6) setImmediate(() => setImmediate(() => (inWork = inWork.then(act))))
      else inWork = inWork.then(act)
      await inWork
      response.writeHead(204).end()
    })
    adversary.listen(0, '127.0.0.1')
    await once(adversary, 'listening')
    await using _closing = {
      async [Symbol.asyncDispose]() {
        adversary.closeAllConnections()
        await new Promise((resolve) => adversary.close(resolve))
      },
    }
    const url = `http://127.0.0.1:${(adversary.address() as AddressInfo).port}/hook`
    const { endpoint, secret } = await endpoints.create({ tenantId: 1, url, sequence: true })
    const { key } = await endpoints.createKey(endpoint.id)
    const receiver = createReceiver({ secrets: secret, inbox: kyselyInbox(consumer.db), sequence: {} })
    const notices: SequenceNotice[] = []
    receiver.onGap((notice) => void notices.push(notice))
    receiver.on('*', async ({ id }, { trx }) => {
      await trx.insertInto('effect').values({ message: id }).execute()
    })

    const raised: string[] = []
    for (let id = 1; id <= 70; id++) {
      const event = await host.engine.syncManager.addSyncEvent(site, 'Page', id, 'Update')
      raised.push(event.id)
      if (id % 5 === 0) await host.sender.drain()
    }
    await host.sender.drain()
    await waitFor(async () => (await host.sender.stats()).deliveries.pending === 0, 'all to be answered')
    await inWork
    const before = await consumer.db.selectFrom('effect').selectAll().execute()
    expect(before.length).toBeLessThan(70)
    expect(notices.some(({ kind }) => kind === 'gap')).toBe(true)

    const source = { url: events.url, endpoint: endpoint.id, key }
    const caughtUp = await receiver.catchUp(source)
    expect(caughtUp).toMatchObject({ endpoint: endpoint.id, sequence: 70 })
    const effects = await consumer.db.selectFrom('effect').selectAll().execute()
    expect(effects.map(({ message }) => message).sort()).toEqual([...raised].sort())
    const [head] = await host.run<{ last: unknown; chain: string }>(
      'select last, chain from xe_webhook_sequence',
    )
    expect(Number(head?.last)).toBe(70)
    expect(receiver.sequences()).toMatchObject([
      { endpoint: endpoint.id, sequence: 70, chain: head?.chain, missing: [], counts: { fork: 0, lost: 0 } },
    ])
    const { gap, repeat } = receiver.sequences()[0]?.counts ?? { gap: 0, repeat: 0 }
    expect(gap).toBeGreaterThanOrEqual(20)
    expect(repeat).toBeGreaterThanOrEqual(1)

    // Somebody deletes from the sender's records what was not delivered.
    dropsAll = true
    for (let id = 71; id <= 73; id++) await host.engine.syncManager.addSyncEvent(site, 'Page', id, 'Update')
    await host.sender.drain()
    await host.run('delete from xe_webhook_delivery where sequence in (71, 72)')
    await receiver.catchUp(source)
    expect(notices.filter(({ kind }) => kind === 'lost')).toEqual([
      { kind: 'lost', endpoint: endpoint.id, from: 71, to: 72 },
    ])
    expect(receiver.sequences()).toMatchObject([{ sequence: 73, missing: [] }])
  },
)

it('runs the handlers of a consumer that keeps the order in the order of the numbers, whatever is dropped', async () => {
  await using host = await startHost({ retrySchedule: Array(40).fill(0) })
  await using consumer = await consumerDatabase('sqlite')
  await using events = await serveEvents(host)
  const { endpoints } = host.sender
  const dropped = new Set<number>()
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const sequence = Number(request.headers['webhook-sequence'])
    if (sequence % 5 === 3 && !dropped.has(sequence)) {
      dropped.add(sequence)
      response.writeHead(204).end()
      return
    }
    const headers = request.headers as Record<string, string>
    const { status } = await receiver.receive({ method: 'POST', headers, body })
    response.writeHead(status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using _closing = {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  const { endpoint, secret } = await endpoints.create({
    tenantId: 1,
    url,
    sequence: true,
    ordering: 'fifo',
  })
  const { key } = await endpoints.createKey(endpoint.id)
  const receiver = createReceiver({
    secrets: secret,
    inbox: kyselyInbox(consumer.db),
    sequence: { order: 'sequence', catchUp: { url: events.url, key } },
  })
  const errors: unknown[] = []
  receiver.onError((error) => errors.push(error))
  receiver.on('*', async ({ data }, { trx }) => {
    await trx
      .insertInto('effect')
      .values({ message: String(Object(data).entityId) })
      .execute()
  })
  for (let id = 1; id <= 23; id++) await host.engine.syncManager.addSyncEvent(site, 'Page', id, 'Update')
  await host.sender.drain()
  await waitFor(() => receiver.sequences()[0]?.sequence === 23, 'all messages')
  const effects = await consumer.db.selectFrom('effect').selectAll().execute()
  expect(effects.map(({ message }) => Number(message))).toEqual(
    Array.from({ length: 23 }, (_, index) => index + 1),
  )
  expect(dropped.size).toBe(5)
  expect(errors).toEqual([])
})
