import { testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onPostgres } from '../each-database.ts'
import { openHost } from '../open-host.ts'
import { startNode, type TestNode } from '../processes/start-node.ts'
import { idOf, withoutRepeats } from '../what-was-received.ts'

const KILLS = 3
const FILES = 240
const PAGES = 60
const LIMIT = 15
const CONCURRENCY = 3

/** The clocks of two nodes agree to half of a round trip, which may be long on a busy machine. */
const CLOCKS_MS = 100

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
      // Nodes raise while others deliver: it is over once nothing has been raised for a second.
      let last = { due: -1, since: 0 }
      await waitFor(async () => {
        const due = 4 * (await raised('File')) + (await raised('Page'))
        if (due !== last.due) last = { due, since: Date.now() }
        const done = await number(`select count(*) as n from xe_webhook_delivery where state = 'succeeded'`)
        return done === due && Date.now() - last.since > 1_000
      }, 'every event to be delivered')

      const messages = await host.run<{ event_id: string; body: string }>(
        'select event_id, body from xe_webhook_message',
      )
      const bodies = new Map(messages.map(({ event_id, body }) => [event_id, body]))
      const raisedAs = new Map(messages.map(({ event_id, body }) => [event_id, raisedIn(body)]))
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

      // Which of two nodes has raised first is known to none of them.
      expectOrderOfEach(withoutRepeats(at('fifo').map(idOf)), raisedAs, 'fifo')
      for (const entity of new Set([...raisedAs.values()].map(({ entityId }) => entityId))) {
        const ids = at('entity')
          .map(idOf)
          .filter((id) => raisedAs.get(id)?.entityId === entity)
        expectOrderOfEach(withoutRepeats(ids), raisedAs, `entity ${entity}`)
      }

      expect(most, 'requests under way').toBeLessThanOrEqual(CONCURRENCY)
      // By when they were begun: requests that a busy machine holds up arrive together.
      const attempts = await host.run<{ at: unknown }>(
        'select started_on as at from xe_webhook_attempt where endpoint_key = 5 order by started_on',
      )
      const begun = attempts.map((attempt) => Number(attempt.at))
      const spans = begun.slice(LIMIT).map((time, index) => time - (begun[index] as number))
      expect(Math.min(...spans), `milliseconds in which ${LIMIT + 1} begin`).toBeGreaterThan(
        1_000 - CLOCKS_MS,
      )
      // Those that a killed node had not recorded count as well.
      const arrivals = at('limited').map(({ receivedAt }) => receivedAt)
      const seconds = ((arrivals.at(-1) as number) - (arrivals[0] as number)) / 1_000
      expect(arrivals.length, `requests in ${seconds} s`).toBeLessThanOrEqual((seconds + 2) * LIMIT)

      const repeats = Object.keys(wanted).flatMap((path) =>
        [...Map.groupBy(at(path), idOf).values()].flatMap((requests) => requests.slice(0, -1)),
      )
      const unexplained = repeats.filter(({ headers }) => {
        const sender = all.find(({ name }) => name === headers['user-agent'])
        return !sender?.isDead && !sender?.hasLostLeases
      })
      const warnings = all.map(({ name, process }) => [name, ...process.lines.filter(isWarning)].join('\n'))
      expect(unexplained.map(idOf), `repeats of what a living node had sent; ${warnings.join('\n')}`).toEqual(
        [],
      )
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

const isWarning = (line: string) => line.startsWith('warning')

interface Raised {
  readonly entityId: number
  readonly by: string
  readonly index: number
}

function raisedIn(body: string): Raised {
  const { data } = JSON.parse(body)
  return { entityId: data.entityId, ...data.entity }
}

/** What each node has raised arrives in the order in which that one raised it. */
function expectOrderOfEach(
  received: readonly string[],
  raisedAs: ReadonlyMap<string, Raised>,
  what: string,
): void {
  const raised = received.map((id) => raisedAs.get(id) as Raised)
  for (const [by, own] of Map.groupBy(raised, (one) => one.by)) {
    const indexes = own.map(({ index }) => index)
    expect(indexes, `${what}, raised by ${by}`).toEqual([...indexes].sort((a, b) => a - b))
    expect(new Set(indexes).size, `${what}, raised by ${by}`).toBe(indexes.length)
  }
}
