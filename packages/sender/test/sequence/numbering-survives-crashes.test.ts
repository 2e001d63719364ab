import { startProcess, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { encryptionKey, openHost } from '../open-host.ts'
import type { NumberingHostOptions } from '../processes/numbering-host.ts'
import { idOf, withoutRepeats } from '../what-was-received.ts'
import { chainOf, numbered } from './chain-of-requests.ts'

const EVENTS = 60
const DEATHS = [1, 2, 4]
/** A process starts on a machine that may have other things to do. */
const PATIENCE_MS = 120_000

it('gives each message one number, without gaps, while one of two hosts is killed within the transactions that give them', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  await using hosts = new AsyncDisposableStack()
  const { endpoints } = host.sender
  await endpoints.create({ tenantId: 1, url: consumer.url, sequence: true })
  await endpoints.create({ tenantId: 1, url: `${consumer.url}/fifo`, sequence: true, ordering: 'fifo' })
  await endpoints.create({ tenantId: 1, url: `${consumer.url}/plain` })
  const begin = (more: Partial<NumberingHostOptions>) => {
    const options: NumberingHostOptions = {
      file: host.file,
      url: host.url,
      encryptionKey: encryptionKey.toString('hex'),
      events: EVENTS,
      ...more,
    }
    const program = new URL('../processes/numbering-host.ts', import.meta.url)
    return hosts.use(startProcess(program, JSON.stringify(options)))
  }
  const raised = async () => {
    const query = "select count(*) as n from xe_sync_event where entity_name = 'Page'"
    return Number((await host.run<{ n: unknown }>(query))[0]?.n)
  }
  for (const diesAt of DEATHS) {
    const dying = begin({ diesAt, raisesUntilDeath: true })
    await waitFor(() => dying.ended !== undefined, `a death; ${dying.errors}`, PATIENCE_MS)
    expect(dying.ended, dying.errors).toMatchObject({ signal: 'SIGKILL' })
  }
  // The last of them while another works beside it.
  const living = begin({})
  const dying = begin({ diesAt: 2, events: 5 })
  await waitFor(() => living.lines.includes('raised'), `the events; ${living.errors}`, PATIENCE_MS)
  const done = async () => {
    const [row] = await host.run<{ n: unknown }>(
      `select count(*) as n from xe_webhook_delivery where state = 'succeeded' and sequence is not null`,
    )
    return dying.lines.includes('raised') || dying.ended ? Number(row?.n) === 2 * (await raised()) : false
  }
  await waitFor(done, `all deliveries; ${living.errors}`, PATIENCE_MS)

  const total = await raised()
  const all = Array.from({ length: total }, (_, index) => index + 1)
  const to = (path: string) => consumer.requests.filter((request) => request.path === path)
  for (const path of ['/hook', '/hook/fifo']) {
    expect(chainOf(to(path))).toEqual(all)
    expect(new Set(to(path).map(idOf)).size).toBe(total)
  }
  const order = to('/hook/fifo').map(({ headers }) => Number(headers['webhook-sequence']))
  expect(withoutRepeats(order)).toEqual(all)
  expect(numbered(to('/hook/plain'))).toEqual([])
  const heads = await host.run<{ last: unknown }>('select last from xe_webhook_sequence')
  expect(heads.map(({ last }) => Number(last))).toEqual([total, total])
}, 600_000)
