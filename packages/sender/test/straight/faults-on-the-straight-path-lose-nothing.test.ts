import { join } from 'node:path'
import { EntityNames } from '@x/events-core'
import {
  cuttingProxy,
  startProcess,
  type TestConsumer,
  temporaryFolder,
  testConsumer,
  waitFor,
} from '@x/testkit'
import { expect, it as onSqlite } from 'vitest'
import { it, onPostgres } from '../each-database.ts'
import { encryptionKey, type OpenHost, openHost, site, startHost } from '../open-host.ts'
import { startNode } from '../processes/start-node.ts'

const raise = (host: OpenHost, id: number) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Update')

const raiseAll = (host: OpenHost, from: number, to: number) =>
  host.engine.transaction(async ({ raise: add }) => {
    for (let id = from; id <= to; id++) await add(site, 'File', id, 'Update')
  })

const count = async (host: OpenHost, condition: string, table = 'webhook_delivery') => {
  const [row] = await host.run<{ n: unknown }>(`select count(*) as n from xe_${table} where ${condition}`)
  return Number(row?.n)
}

const idOf = ({ rawBody }: { readonly rawBody: Buffer }): number => JSON.parse(String(rawBody)).data.entityId
const idsOf = (consumer: TestConsumer) => consumer.requests.map(idOf)
const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

it('records nothing under a lost lease of the subscription, and lets the next holder send again', async () => {
  await using host = await startHost({ engine: { leaseMs: 1_000 } })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  await host.sender.drain()
  const held = Promise.withResolvers<number>()
  consumer.answer(() => held.promise)
  await raise(host, 2)
  await consumer.received(2)
  // As another node would take it over.
  await host.run(`update xe_subscription set epoch = epoch + 1, leased_by = null where name = 'webhooks'`)
  consumer.answer(204)
  held.resolve(204)
  await waitFor(async () => (await count(host, `state = 'succeeded'`)) === 2, 'both to be recorded')
  await host.sender.drain()
  expect(await count(host, 'true'), 'each once').toBe(2)
  expect(new Set(idsOf(consumer))).toEqual(new Set([1, 2]))
})

it('refuses to record an event twice for an endpoint, as a statement that seemed lost would', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  for (const path of ['/a', '/b']) {
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url + path })
  }
  let id = 0
  const isStraight = async () => {
    await raise(host, ++id)
    await host.sender.drain()
    return (await count(host, 'event_seq is not null and endpoint_key = 1')) > 0
  }
  // One whose response takes long on a busy machine is stored instead.
  await waitFor(isStraight, 'a delivery that was sent straight')
  const again = `insert into xe_webhook_delivery (message_key, endpoint_key, state, created_on, event_seq)
    select message_key + 1000, endpoint_key, state, created_on, event_seq from xe_webhook_delivery where endpoint_key = 1`
  await expect(host.run(again)).rejects.toThrow(/unique/i)
})

it('asks, after a crash in the window, for what is recorded already, and sends only the rest', async () => {
  await using host = await startHost({ stopTimeoutMs: 50, engine: { stopTimeoutMs: 50 } })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  await host.sender.drain()
  const [{ position = '' } = {}] = await host.run<{ position: string }>(
    `select position from xe_subscription where name = 'webhooks'`,
  )
  await raiseAll(host, 2, 30)
  await waitFor(async () => (await count(host, `state = 'succeeded'`)) === 30, 'all to be recorded')
  await host.sender.stop()
  // As a crash leaves it that comes before the position was saved.
  await host.run(`update xe_subscription set position = '${position}', ahead = 1 where name = 'webhooks'`)
  await raiseAll(host, 31, 40)
  await host.sender.start()
  await host.sender.drain()
  expect(sorted(idsOf(consumer)), 'nothing is sent twice').toEqual(range(1, 40))
  expect(await count(host, 'true')).toBe(40)
})

const changes = {
  disabled: (host, id) => host.sender.endpoints.disable(id),
  deleted: (host, id) => host.sender.endpoints.delete(id),
  rotated: (host, id) => host.sender.endpoints.rotateSecret(id, { overlapSeconds: 60 }),
  changed: (host, id) => host.sender.endpoints.update(id, { description: 'another' }),
} satisfies Record<string, (host: OpenHost, id: string) => Promise<unknown>>

for (const [name, change] of Object.entries(changes)) {
  it(`goes on while an endpoint is ${name} with requests under way`, async () => {
    await using host = await startHost()
    await using consumer = await testConsumer()
    const held = Promise.withResolvers<number>()
    consumer.answer(({ path }) => (path.endsWith('/it') ? held.promise : 204))
    const { endpoint } = await host.sender.endpoints.create({
      tenantId: 1,
      url: `${consumer.url}/it`,
      concurrency: 4,
    })
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    await raiseAll(host, 1, 20)
    await waitFor(() => consumer.requests.some(({ path }) => path.endsWith('/it')), 'the first request')
    await change(host, endpoint.id)
    held.resolve(204)
    await raiseAll(host, 21, 25)
    await host.sender.drain()
    const others = consumer.requests.filter(({ path }) => !path.endsWith('/it'))
    expect(sorted(others.map(idOf))).toEqual(range(1, 25))
    const own = consumer.requests.filter(({ path }) => path.endsWith('/it')).map(idOf)
    if (name === 'rotated' || name === 'changed') {
      expect(sorted(new Set(own))).toEqual(range(1, 25))
      expect(await count(host, `state = 'succeeded'`)).toBe(50)
    } else {
      expect(await count(host, `state = 'pending'`)).toBe(name === 'deleted' ? 0 : 20 - new Set(own).size)
      expect(own.every((id) => id <= 20)).toBe(true)
    }
    expect(await count(host, 'true'), 'each delivery at most once').toBeLessThanOrEqual(50)
    if (name !== 'disabled') return
    await host.sender.endpoints.enable(endpoint.id)
    await host.sender.drain()
    expect(await count(host, `state = 'pending'`)).toBe(0)
  })
}

onSqlite(
  'sends again after SIGKILL what was not recorded, and nothing else, while one slow consumer holds the position',
  async () => {
    await using host = await openHost()
    await using consumer = await testConsumer()
    let isHeld = true
    const never = new Promise<number>(() => {})
    consumer.answer((request) => (isHeld && idOf(request) === 1 ? never : 204))
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 50 })
    const script = new URL('../processes/straight-host.ts', import.meta.url)
    const start = (events: number) =>
      startProcess(script, host.file ?? '', encryptionKey.toString('hex'), String(events))
    {
      await using first = start(60)
      await waitFor(() => first.lines.includes('raised'), 'the events', 60_000)
      // Killed at once, whatever is recorded by then; the first has no response, and is not stored before 250 ms.
      await consumer.received(60)
      await first.kill()
    }
    isHeld = false
    const recorded = await count(host, `state = 'succeeded'`)
    await using second = start(0)
    await waitFor(() => second.lines.includes('drained'), 'the rest', 60_000)
    expect(await count(host, `state = 'succeeded'`)).toBe(60)
    expect(await count(host, 'true')).toBe(60)
    expect(new Set(idsOf(consumer))).toEqual(new Set(range(1, 60)))
    expect(consumer.requests.length, 'only what was not recorded is repeated').toBe(60 + (60 - recorded))
  },
  180_000,
)

onSqlite('goes on from a copy of the file that was made in the window', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await using folder = await temporaryFolder()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  await host.sender.drain()
  await raiseAll(host, 2, 40)
  await consumer.received(20)
  const copy = join(folder.path, 'copy.db')
  await host.run(`vacuum into '${copy}'`)
  await host.sender.drain()
  await host.sender.stop()
  await host.engine.stop()
  const before = consumer.requests.length
  expect(before).toBe(40)
  await using restored = startProcess(
    new URL('../processes/straight-host.ts', import.meta.url),
    copy,
    encryptionKey.toString('hex'),
    '0',
  )
  await waitFor(() => restored.lines.includes('drained'), 'the copy to be drained', 60_000)
  const again = consumer.requests.slice(before)
  expect(new Set(again.map(idOf)).size, 'at most once more').toBe(again.length)
})

onSqlite('records each once although connections are cut in COMMIT', () =>
  onPostgres(async () => {
    await using host = await openHost({ deliver: false, fanOut: false })
    await using proxy = await cuttingProxy(host.url)
    await using consumer = await testConsumer()
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    await using node = await host.openAnother({
      deliver: true,
      fanOut: true,
      url: proxy.url,
      engine: { leaseMs: 20_000 },
    })
    await node.start()
    let commits = 0
    proxy.decide(() => {
      commits += 1
      if (commits % 3 !== 0 || proxy.cuts >= 8) return undefined
      return proxy.cuts % 2 === 0 ? 'before its answer' : 'before commit'
    })
    // How many outcomes share a COMMIT depends on the machine: events are raised until some are cut.
    let raised = 0
    while (raised < 200 || proxy.cuts < 3) {
      await raiseAll(host, raised + 1, raised + 10)
      raised += 10
      await waitFor(() => consumer.requests.length >= raised, 'the requests')
    }
    await waitFor(async () => (await count(host, `state = 'succeeded'`)) === raised, 'all to be recorded')
    proxy.decide(() => undefined)
    await node.sender.drain()
    expect(await count(host, 'true')).toBe(raised)
    expect(new Set(idsOf(consumer))).toEqual(new Set(range(1, raised)))
    const { total } = await node.sender.statistics({ tenantId: 1, since: new Date(Date.now() - 3_600_000) })
    expect(total).toMatchObject({ succeeded: raised, failed: 0 })
  }),
)

onSqlite(
  'delivers each once from two nodes, and at least once when one of them is killed',
  () =>
    onPostgres(async () => {
      await using host = await openHost()
      await using consumer = await testConsumer()
      for (let index = 0; index < 4; index++) {
        await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${index}` })
      }
      await using first = startNode({ url: host.url, leaseMs: 15_000, pollMaxMs: 100 })
      await using second = startNode({ url: host.url, leaseMs: 15_000, pollMaxMs: 100 })
      await Promise.all([first.isUp(), second.isUp()])
      await Promise.all([first.have('raise File 60'), second.have('raise File 60')])
      await waitFor(async () => (await count(host, `state = 'succeeded'`)) === 480, 'all of them')
      // A busy machine may keep a node from extending a lease; the next holder sends again what was not recorded.
      const hasLostLeases = first.hasLostLeases || second.hasLostLeases
      if (!hasLostLeases) expect(consumer.requests, 'each once').toHaveLength(480)
      first.process.tell('raise File 100')
      await waitFor(() => consumer.requests.length > 500, 'some of the rest')
      await first.kill()
      let raised = 0
      const isDelivered = async () => {
        // Anew each time: what was being committed when the node was killed may come late.
        raised = await count(host, 'true', 'sync_event')
        return (await count(host, `state = 'succeeded'`)) === 4 * raised
      }
      await waitFor(isDelivered, 'the rest')
      expect(await count(host, 'true')).toBe(4 * raised)
      const received = new Set(
        consumer.requests.map(({ path, headers }) => `${path} ${headers['webhook-id']}`),
      )
      expect(received.size).toBe(4 * raised)
    }),
  180_000,
)
