import { type ReceivedRequest, testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onPostgres } from '../each-database.ts'
import { openHost, site } from '../open-host.ts'
import { startNode } from '../processes/start-node.ts'

it(
  'lets nothing count that a node writes after its lease has ended while it was frozen',
  () =>
    onPostgres(async () => {
      await using host = await openHost({ deliver: false, retrySchedule: [0, 3_600] })
      await using consumer = await testConsumer()
      /** What the frozen node is told, once it is let go on; the other is told something else at once. */
      const answers = {
        good: { late: 204, meanwhile: 400 },
        gone: { late: 410, meanwhile: 204 },
        ordered: { late: 204, meanwhile: 500 },
        limited: { late: 500, meanwhile: 204 },
      }
      type Path = keyof typeof answers
      const pathOf = ({ path }: ReceivedRequest) => path.split('/').at(-1) as Path
      let letGo = () => {}
      const late = new Promise<void>((resolve) => (letGo = resolve))
      consumer.answer(async (request) => {
        const answer = answers[pathOf(request)]
        if (request.headers['user-agent'] !== frozen.name) return answer.meanwhile
        await late
        return answer.late
      })
      const endpointIds = new Map<Path, string>()
      for (const path of Object.keys(answers) as Path[]) {
        const { endpoint } = await host.sender.endpoints.create({
          tenantId: 1,
          url: `${consumer.url}/${path}`,
          eventTypes: ['File.*'],
          concurrency: 1,
          ...(path === 'ordered' ? { ordering: 'fifo' as const } : {}),
          ...(path === 'limited' ? { rateLimit: { limit: 9, perSeconds: 3_600 } } : {}),
        })
        endpointIds.set(path, endpoint.id)
      }

      const options = {
        url: host.url,
        leaseMs: 700,
        pollMaxMs: 50,
        retrySchedule: [0, 3_600],
        timeoutMs: 60_000,
      }
      await using frozen = startNode(options)
      await frozen.isUp()
      await host.start()
      await host.engine.transaction(async ({ raise }) => {
        await raise(site, 'File', 1, 'Update')
        await raise(site, 'File', 2, 'Update')
      })
      await consumer.received(4)
      frozen.process.signal('SIGSTOP')

      await using other = startNode(options)
      await other.isUp()
      const sentBy = ({ name }: { readonly name: string }) =>
        consumer.requests.filter(({ headers }) => headers['user-agent'] === name)
      const first = (path: Path) => sentBy(frozen).find((request) => pathOf(request) === path)
      const stored = async () => {
        const state = async (path: Path) => {
          const endpointId = endpointIds.get(path) as string
          const deliveries = await host.sender.deliveries.list({ tenantId: 1, endpointId })
          const details = await Promise.all(deliveries.map(({ id }) => host.sender.deliveries.get(id)))
          return { path, endpoint: await host.sender.endpoints.get(endpointId), details }
        }
        const queue = await host.run(
          'select endpoint_key, epoch, failing_since, not_before, details, rate, resets, due_on from xe_webhook_queue order by 1',
        )
        const told = await host.run(
          "select entity_id, action from xe_sync_event where entity_name like 'Webhook%'",
        )
        return { states: await Promise.all((Object.keys(answers) as Path[]).map(state)), queue, told }
      }
      // What was under way comes again, from the other: the same messages; and is recorded.
      await waitFor(async () => {
        const attempts = (await stored()).states.map(({ details }) =>
          details.map(({ attempts }) => attempts.length),
        )
        return attempts.every((counts) => counts.some((count) => count > 0)) && sentBy(other).length >= 6
      }, 'the other node to take over')
      for (const path of Object.keys(answers) as Path[]) {
        const again = sentBy(other).filter((request) => pathOf(request) === path)
        expect(again.map(({ headers }) => headers['webhook-id'])).toContain(
          first(path)?.headers['webhook-id'],
        )
      }
      await other.have('stop')
      const before = await stored()

      // Nobody else is there any more: what the frozen one does now is its own.
      letGo()
      frozen.process.signal('SIGCONT')
      await waitFor(() => frozen.hasLostLeases, 'it to notice')
      await frozen.have('stop')
      const after = await stored()
      expect(after).toEqual(before)
      for (const { path, endpoint, details } of after.states) {
        expect(endpoint.enabled, path).toBe(true)
        for (const { attempts } of details) expect(attempts.length, path).toBeLessThanOrEqual(1)
        const statuses = details.flatMap(({ attempts }) => attempts.map(({ response }) => response?.status))
        expect(new Set(statuses), path).toEqual(new Set([answers[path].meanwhile]))
      }
      expect(after.told).toEqual([])
    }),
  240_000,
)
