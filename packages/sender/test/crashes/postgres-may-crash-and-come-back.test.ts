import { testConsumer, waitFor } from '@x/testkit'
import { type PostgresServer, startPostgresServer } from '@x/testkit/postgres-server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { onPostgres } from '../each-database.ts'
import { openHost, site } from '../open-host.ts'
import { idOf, withoutRepeats } from '../what-was-received.ts'

const OUTAGES = 3
/** How many webhooks may be raised and not received. */
const MAX_AHEAD = 600

// A server of its own: the one of the test run must not be stopped.
let server: PostgresServer
beforeAll(async () => {
  server = await startPostgresServer()
})
afterAll(() => server[Symbol.asyncDispose]())

it(
  'delivers everything, and nothing that was taken back, when the server is stopped in mid-work',
  async ({ annotate }) =>
    onPostgres(async () => {
      const rejections: unknown[] = []
      const onRejection = (error: unknown) => void rejections.push(error)
      process.on('unhandledRejection', onRejection)
      await using stack = new AsyncDisposableStack()
      stack.defer(() => void process.off('unhandledRejection', onRejection))
      const consumer = stack.use(await testConsumer())
      const seen = new Set<string>()
      let asked = 0
      consumer.answer(({ path, headers }) => {
        if (!path.endsWith('/flaky')) return 204
        // Some are refused once, so that failures are recorded while the server goes away, too; never as
        // many in a row as would make the endpoint a failing one, which is only probed.
        const id = String(headers['webhook-id'])
        if (seen.has(id) || ++asked % 3 > 0) return 204
        seen.add(id)
        return 500
      })
      const options = { engine: { leaseMs: 900, pollMaxMs: 100 }, pollMaxMs: 100, leaseMs: 1_000 }
      const host = stack.use(await openHost({ ...options, serverUrl: server.url }))
      const endpoints = { plain: 'none', flaky: 'none', fifo: 'fifo' } as const
      for (const [path, ordering] of Object.entries(endpoints)) {
        await host.sender.endpoints.create({
          tenantId: 1,
          url: `${consumer.url}/${path}`,
          eventTypes: ['File.*'],
          ordering,
          retrySchedule: [0, 0, 0],
        })
      }
      const nodes = [host, stack.use(await host.openAnother())]
      for (const node of nodes) await node.start()

      let isRaising = true
      let acknowledged = 0
      let refused = 0
      let isAway = false
      // A slow machine would raise more than it can deliver in the time of a test.
      const isFarAhead = () => !isAway && 3 * acknowledged > consumer.requests.length + MAX_AHEAD
      const raisers = nodes.map(async ({ engine }) => {
        for (let id = 0; isRaising; id++) {
          while (isRaising && isFarAhead()) await new Promise((resolve) => setTimeout(resolve, 5))
          try {
            await engine.transaction(async ({ raise }) => {
              await raise(site, 'File', id, id % 10 === 9 ? 'Delete' : 'Update')
              if (id % 10 === 9) throw new Error('taken back')
            })
            acknowledged += 1
          } catch (error) {
            if ((error as Error).message === 'taken back') continue
            refused += 1
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        }
      })
      try {
        for (let outage = 0; outage < OUTAGES; outage++) {
          const [raised, received] = [acknowledged, consumer.requests.length]
          await waitFor(
            () => acknowledged > raised + 40 && consumer.requests.length > received + 40,
            'some events to be raised and delivered',
          )
          isAway = true
          await server.kill()
          const before = refused
          await waitFor(() => refused > before + 4, 'raising to be refused')
          await server.restart()
          isAway = false
        }
        const before = acknowledged
        await waitFor(() => acknowledged > before + 40, 'raising to go on')
      } finally {
        isRaising = false
        await Promise.all(raisers)
      }

      const count = async (rest: string) => (await host.run(`select 1 ${rest}`)).length
      await waitFor(
        async () =>
          (await count(`from xe_webhook_delivery where state = 'succeeded'`)) ===
          3 * (await count(`from xe_sync_event where entity_name = 'File'`)),
        'every event to be delivered',
      )
      const messages = await host.run<{ event_id: string; body: string }>(
        'select event_id, body from xe_webhook_message order by key',
      )
      const bodies = new Map(messages.map(({ event_id, body }) => [event_id, body]))
      for (const request of consumer.requests) {
        expect(String(request.rawBody), 'nothing but what was committed').toBe(bodies.get(idOf(request)))
      }
      const at = (path: string) =>
        consumer.requests.filter((request) => request.path === `/hook/${path}`).map(idOf)
      for (const path of Object.keys(endpoints))
        expect(new Set(at(path)), path).toEqual(new Set(bodies.keys()))
      expect(withoutRepeats(at('fifo')), 'in order').toEqual([...bodies.keys()])
      expect(messages.length, 'all that was acknowledged').toBeGreaterThanOrEqual(acknowledged)
      expect(rejections).toEqual([])

      // The attempts that were made while the server was away are not held against the endpoints.
      const failed = await host.run<{ endpoint_key: unknown }>(
        `select endpoint_key from xe_webhook_attempt where error_code is not null and error_code <> 'http_status'`,
      )
      expect(failed).toEqual([])
      const repeated = consumer.requests.length - 3 * messages.length - seen.size
      await annotate(
        `${messages.length} events, ${OUTAGES} outages, ${refused} raises refused, ${repeated} repeats`,
      )
      await using watcher = await host.openAnother({ reconcileEveryMs: 20 })
      await watcher.sender.start()
      await waitFor(async () => (await watcher.sender.stats()).reconciliation.runs > 0, 'a look through it')
      expect((await watcher.sender.stats()).reconciliation.repairs).toBe(0)
    }),
  240_000,
)
