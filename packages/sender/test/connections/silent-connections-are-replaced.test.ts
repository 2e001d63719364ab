import { type SilencingProxy, silencingProxy, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onPostgres } from '../each-database.ts'
import { type OpenHost, openHost, recordingLogger, site } from '../open-host.ts'

/** What is promised for a machine that has time is in docs/guarantees.md; how long it took is told by each test. */
const leaseMs = 3_000
const ENDPOINTS = ['a', 'b', 'fifo'] as const
const OBSERVED_MS = 5_000

/** Endpoints, and events for all of them for as long as the test goes on. */
async function startEvents(host: OpenHost, consumer: TestConsumer) {
  for (const name of ENDPOINTS) {
    await host.sender.endpoints.create({
      tenantId: 1,
      url: `${consumer.url}/${name}`,
      eventTypes: ['File.*'],
      ordering: name === 'fifo' ? 'fifo' : 'none',
    })
  }
  let raised = 0
  let going = true
  const done = (async () => {
    while (going) {
      await host.engine.syncManager.addSyncEvent(site, 'File', raised++, 'Update')
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  })()
  const stop = async () => {
    going = false
    await done
    return raised
  }
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

const idsOf = (consumer: TestConsumer, name: string) =>
  consumer.requests
    .filter(({ path }) => path.endsWith(`/${name}`))
    .map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId as number)

/** The longest time in which one of the endpoints got nothing, until all have got something for some time again. */
async function longestPause(consumer: TestConsumer): Promise<number> {
  const begun = performance.now()
  const seen = new Map(ENDPOINTS.map((name) => [name, { count: idsOf(consumer, name).length, at: begun }]))
  let longest = 0
  await waitFor(() => {
    const now = performance.now()
    for (const name of ENDPOINTS) {
      const count = idsOf(consumer, name).length
      const before = seen.get(name)
      longest = Math.max(longest, now - (before?.at ?? now))
      if (count !== before?.count) seen.set(name, { count, at: now })
    }
    return now - begun > OBSERVED_MS && [...seen.values()].every(({ at }) => at > begun + OBSERVED_MS - 1_000)
  }, 'work to go on')
  return longest
}

async function expectAll(consumer: TestConsumer, raised: number): Promise<number> {
  await waitFor(
    () => ENDPOINTS.every((name) => new Set(idsOf(consumer, name)).size === raised),
    'every event at every endpoint',
  )
  const fifo = idsOf(consumer, 'fifo')
  const firsts = fifo.filter((id, index) => fifo.indexOf(id) === index)
  expect(firsts, 'in order').toEqual(Array.from({ length: raised }, (_, id) => id))
  for (const [index, id] of fifo.entries()) {
    expect(id, 'a repeat comes before anything younger').toBeGreaterThanOrEqual(
      Math.max(-1, ...fifo.slice(0, index)),
    )
  }
  return consumer.requests.length - raised * ENDPOINTS.length
}

const everySecond = (_: unknown, index: number) => index % 2 === 0

const cases: readonly [string, (proxy: SilencingProxy) => void][] = [
  ['half of its connections fall silent', (proxy) => void proxy.silence(everySecond)],
  ['all of its connections fall silent', (proxy) => void proxy.silence()],
  ['answers come no more', (proxy) => void proxy.silence(undefined, 'to the client')],
  ['nothing reaches the server any more', (proxy) => void proxy.silence(undefined, 'to the server')],
  [
    'connections fall silent in COMMIT',
    (proxy) => {
      let left = 4
      proxy.onSent((connection, text) => {
        if (!text.includes('commit\0') || left === 0) return
        left -= 1
        connection.silence(left % 2 === 0 ? 'both ways' : 'to the client')
      })
    },
  ],
]

it.concurrent.for(cases)(
  'the only node goes on by itself when $0',
  { timeout: 240_000 },
  ([, act], { annotate }) =>
    onPostgres(async () => {
      await using host = await openHost({ deliver: false, fanOut: false })
      await using proxy = await silencingProxy(host.url)
      await using consumer = await testConsumer()
      const logger = recordingLogger()
      await using node = await host.openAnother({
        deliver: true,
        fanOut: true,
        url: proxy.url,
        leaseMs,
        engine: { leaseMs, logger },
      })
      await node.start()
      await using events = await startEvents(host, consumer)
      await waitFor(() => idsOf(consumer, 'fifo').length > 5, 'the first webhooks')

      act(proxy)
      const longestMs = await longestPause(consumer)
      if (proxy.connections.some((one) => one.isMissed)) {
        await waitFor(() => /stopped answering/.test(logger.messages.join('\n')), 'the log to say so')
      }
      // What was held back arrives at last, and changes nothing.
      proxy.restore()
      const repeats = await expectAll(consumer, await events.stop())

      await annotate(`goes on after ${Math.round(longestMs)} ms, ${repeats} repeats`)
      expect(logger.messages.filter((message) => /refused/.test(message))).toEqual([])
    }),
)

it.concurrent.for(cases.slice(0, 4))(
  'of two nodes, the other takes over the work of one when $0',
  { timeout: 240_000 },
  ([, act], { annotate }) =>
    onPostgres(async () => {
      await using host = await openHost({ deliver: false, fanOut: false })
      await using proxy = await silencingProxy(host.url)
      await using consumer = await testConsumer()
      const options = { deliver: true, fanOut: true, leaseMs, engine: { leaseMs } }
      await using first = await host.openAnother({ ...options, url: proxy.url })
      await using second = await host.openAnother({ ...options, url: host.url })
      await first.start()
      await using events = await startEvents(host, consumer)
      await waitFor(() => idsOf(consumer, 'fifo').length > 5, 'the first webhooks')
      await second.start()

      // What it opens anew is silent, too: it cannot go on by itself.
      proxy.takesNew = false
      act(proxy)
      const longestMs = await longestPause(consumer)
      // What was held back arrives at last, and changes nothing.
      proxy.takesNew = true
      proxy.restore()
      const repeats = await expectAll(consumer, await events.stop())

      await annotate(`goes on after ${Math.round(longestMs)} ms, ${repeats} repeats`)
    }),
)
