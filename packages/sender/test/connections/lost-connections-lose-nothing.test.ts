import { cuttingProxy, testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onPostgres } from '../each-database.ts'
import { openHost, site } from '../open-host.ts'

const EVENTS = 120
const TIMES = 6

/** Half of them fail, and are tried again in an hour. */
const fails = (rawBody: Buffer) => JSON.parse(String(rawBody)).data.entityId % 2 === 1
const half = EVENTS / 2

for (const how of ['all connections of a node are ended', 'connections are cut in COMMIT'] as const) {
  it(
    `sends and records each attempt once, although ${how} in mid-work, again and again`,
    ({ annotate }) =>
      onPostgres(async () => {
        await using host = await openHost({ deliver: false })
        // What records successes is one statement.
        await using proxy = await cuttingProxy(host.url, 'fence as materialized')
        await using consumer = await testConsumer()
        consumer.answer(({ rawBody }) => (fails(rawBody) ? 400 : 204))
        for (const ordering of ['none', 'fifo'] as const) {
          await host.sender.endpoints.create({
            tenantId: 1,
            url: `${consumer.url}/${ordering}`,
            eventTypes: ['File.*'],
            ordering,
            // In order, a failure is the end: nothing waits for an hour.
            retrySchedule: ordering === 'fifo' ? [0] : [0, 3_600],
          })
        }
        await host.engine.transaction(async ({ raise }) => {
          for (let id = 0; id < EVENTS; id++) await raise(site, 'File', id, 'Update')
        })
        const url = new URL(proxy.url)
        url.searchParams.set('application_name', 'a-node')
        await using node = await host.openAnother({
          deliver: true,
          url: url.href,
          engine: { leaseMs: 20_000 },
        })
        await node.start()

        let cuts = 0
        let ended = 0
        if (how === 'connections are cut in COMMIT') {
          let commits = 0
          proxy.decide(() => {
            commits += 1
            if (commits % 3 !== 0 || cuts === TIMES) return undefined
            cuts += 1
            return cuts % 2 === 0 ? 'before commit' : 'before its answer'
          })
          await waitFor(() => cuts === TIMES, 'the cuts')
        } else {
          for (; cuts < TIMES; cuts++) {
            const seen = consumer.requests.length
            await waitFor(() => consumer.requests.length > seen || seen === 2 * EVENTS, 'a request')
            ended += (
              await host.run(`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'a-node'`)
            ).length
          }
        }

        expect(ended > 0).toBe(how.startsWith('all'))
        const count = async (condition: string) =>
          Number(
            (
              await host.run<{ n: unknown }>(
                `select count(*) as n from xe_webhook_delivery where ${condition}`,
              )
            )[0]?.n,
          )
        await waitFor(async () => (await count('attempt_count > 0')) === 2 * EVENTS, 'all to be recorded')
        expect(await count(`state = 'succeeded'`)).toBe(2 * half)
        expect(await count(`state = 'exhausted' and endpoint_key = 2`)).toBe(half)
        expect(await count(`state = 'pending' and endpoint_key = 1 and step = 1 and attempt_count = 1`)).toBe(
          half,
        )
        const attempts = `select 1 from xe_webhook_attempt union all select 1 from xe_webhook_delivery where url is not null`
        expect(await host.run(attempts)).toHaveLength(2 * EVENTS)
        const { total } = await node.sender.statistics({
          tenantId: 1,
          since: new Date(Date.now() - 3_600_000),
        })
        expect(total, 'nothing is counted twice').toMatchObject({
          succeeded: 2 * half,
          failed: 2 * half,
          exhausted: half,
        })
        const told = await host.run(`select from xe_sync_event where action = 'Exhausted'`)
        expect(told, 'the host is told of nothing twice').toHaveLength(half)
        expect(consumer.requests, 'nothing is sent twice').toHaveLength(2 * EVENTS)
        await annotate(`${cuts} times, ${ended} connections; ${consumer.requests.length} requests`)
      }),
    240_000,
  )
}
