import { testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onPostgres } from './each-database.ts'
import { openHost } from './open-host.ts'
import { startNode, type TestNode } from './processes/start-node.ts'
import { idOf, withoutRepeats } from './what-was-received.ts'

const KILLS = 3
const FILES = 240
const PAGES = 60
const LIMIT = 15
const CONCURRENCY = 3

/** The two clocks that the rate is kept and measured by agree to half of a round trip. */
const CLOCKS_MS = 25

it(
  'delivers everything while nodes are killed at random, in order, within the rate, and repeats only what a killed one had not recorded',
  async ({ annotate }) =>
    onPostgres(async () => {
      await using host = await openHost()
      await using consumer = await testConsumer()
      await using nodes = new AsyncDisposableStack()
      let underWay = 0
      let most = 0
      consumer.answer(async ({ path }) => {
        if (!path.endsWith('/few')) return 204
        most = Math.max(most, ++underWay)
        await new Promise((resolve) => setTimeout(resolve, 4))
        underWay -= 1
        return 204
      })
      const wanted = {
        plain: 'File',
        fifo: 'File',
        entity: 'File',
        few: 'File',
        limited: 'Page',
        other: 'Site',
      }
      const create = (path: keyof typeof wanted, more: object = {}) =>
        host.sender.endpoints.create({
          tenantId: 1,
          url: `${consumer.url}/${path}`,
          eventTypes: [`${wanted[path]}.*`],
          ...more,
        })
      await create('plain', { concurrency: 8 })
      await create('fifo', { ordering: 'fifo' })
      await create('entity', { ordering: { by: 'entity' } })
      await create('few', { concurrency: CONCURRENCY })
      await create('limited', { rateLimit: { limit: LIMIT, perSeconds: 1 } })
      await create('other')

      const all: TestNode[] = []
      const start = () => {
        const node = nodes.use(startNode({ url: host.url, leaseMs: 2_000, pollMaxMs: 200 }))
        all.push(node)
        return node
      }
      const living = [start(), start(), start()]
      await Promise.all(living.map((node) => node.isUp()))
      for (const node of living) {
        node.process.tell(`raise Page ${PAGES / 3}`)
        node.process.tell(`raise File ${FILES / 3}`)
      }
      for (let kill = 1; kill <= KILLS; kill++) {
        const before = consumer.requests.length
        await waitFor(() => consumer.requests.length > before + 60, 'requests')
        const victim = Math.floor(Math.random() * living.length)
        await living[victim]?.kill()
        living[victim] = start()
      }
      await Promise.all(living.map((node) => node.isUp()))
      const number = async (query: string) => Number((await host.run<{ n: unknown }>(query))[0]?.n)
      const raised = (entity: string) =>
        number(`select count(*) as n from xe_sync_event where entity_name = '${entity}'`)
      await waitFor(async () => {
        const due = 4 * (await raised('File')) + (await raised('Page'))
        const done = await number(`select count(*) as n from xe_webhook_delivery where state = 'succeeded'`)
        return done === due
      }, 'every event to be delivered')

      const log = await host.run<{
        event_id: string
        endpoint_key: unknown
        body: string
        entity_id: string
      }>(
        `select m.event_id, d.endpoint_key, m.body, e.entity_id from xe_webhook_delivery d
        join xe_webhook_message m on m.key = d.message_key join xe_sync_event e on e.id = m.event_id
       order by m.key`,
      )
      const bodies = new Map(log.map(({ event_id, body }) => [event_id, body]))
      for (const { rawBody, headers } of consumer.requests) {
        expect(String(rawBody)).toBe(bodies.get(String(headers['webhook-id'])))
      }
      const at = (path: string) => consumer.requests.filter((request) => request.path === `/hook/${path}`)
      const events = await host.run<{ id: string; entity_name: string }>(
        'select id, entity_name from xe_sync_event',
      )
      for (const [path, entity] of Object.entries(wanted)) {
        const ids = events.filter(({ entity_name }) => entity_name === entity).map(({ id }) => id)
        expect(new Set(at(path).map(idOf)), path).toEqual(new Set(ids))
      }

      const inOrder = log.filter(({ endpoint_key }) => Number(endpoint_key) === 2)
      expect(withoutRepeats(at('fifo').map(idOf)), 'fifo').toEqual(inOrder.map(({ event_id }) => event_id))
      const entityOf = new Map(log.map(({ event_id, entity_id }) => [event_id, entity_id]))
      for (const entity of new Set(entityOf.values())) {
        const isOfEntity = (id: string) => entityOf.get(id) === entity
        expect(withoutRepeats(at('entity').map(idOf).filter(isOfEntity)), `entity ${entity}`).toEqual(
          log
            .filter(({ endpoint_key, event_id }) => Number(endpoint_key) === 3 && isOfEntity(event_id))
            .map(({ event_id }) => event_id),
        )
      }

      expect(most, 'requests under way').toBeLessThanOrEqual(CONCURRENCY)
      const arrivals = at('limited').map(({ receivedAt }) => receivedAt)
      const spans = arrivals.slice(LIMIT).map((time, index) => time - (arrivals[index] as number))
      expect(Math.min(...spans), `milliseconds in which ${LIMIT + 1} arrive`).toBeGreaterThan(
        1_000 - CLOCKS_MS,
      )

      const repeats = Object.keys(wanted).flatMap((path) =>
        [...Map.groupBy(at(path), idOf).values()].flatMap((requests) => requests.slice(0, -1)),
      )
      const unexplained = repeats.filter(({ headers }) => {
        const sender = all.find(({ name }) => name === headers['user-agent'])
        return !sender?.isDead && !sender?.hasLostLeases
      })
      expect(unexplained.map(idOf), 'repeats of what a living node had sent').toEqual([])
      const byPath = Map.groupBy(repeats, ({ path }) => path)
      const counted = [...byPath].map(([path, { length }]) => `${path} ${length}`).join(', ')
      await annotate(
        `${events.length} events, ${consumer.requests.length} requests, ${KILLS} kills, repeated: ${repeats.length} (${counted}); ` +
          `${LIMIT + 1} of the limited ones took ${Math.min(...spans)} ms at least`,
      )
      // Killed in whatever they did, they have left nothing that a look through all of it would mend.
      await using watcher = await host.openAnother({ reconcileEveryMs: 20 })
      await watcher.sender.start()
      await waitFor(async () => (await watcher.sender.stats()).reconciliation.runs > 0, 'a look through it')
      expect((await watcher.sender.stats()).reconciliation.repairs).toBe(0)
      for (const { process } of all) expect(process.errors).toBe('')
    }),
  300_000,
)
