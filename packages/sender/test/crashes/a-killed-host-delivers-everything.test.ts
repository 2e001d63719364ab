import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import process from 'node:process'
import { type ReceivedRequest, temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { encryptionKey } from '../open-host.ts'
import { withoutRepeats } from '../what-was-received.ts'

const EVENTS = 300

const idOf = ({ rawBody }: ReceivedRequest): number => JSON.parse(String(rawBody)).data.entity.id

interface Host {
  readonly child: ChildProcess
  output(): string
  kill(): Promise<void>
}

function startProcess(file: string, url: string, events: number): Host {
  const script = join(import.meta.dirname, '..', 'processes', 'delivering-host.ts')
  const args = ['--conditions=@x/source', script, file, encryptionKey.toString('hex'), url, String(events)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout?.on('data', (chunk) => (output += chunk))
  child.stderr?.on('data', (chunk) => (output += chunk))
  return {
    child,
    output: () => output,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

// Four processes have to start.
it('delivers every event at least once, and repeats only what was under way, when it is killed again and again', async () => {
  await using folder = await temporaryFolder()
  await using consumer = await testConsumer()
  let turns = 0
  consumer.answer(async ({ path }) => {
    await new Promise((resolve) => setTimeout(resolve, 2))
    return path !== '/hook' && ++turns % 5 === 0 ? 400 : 204
  })
  const file = join(folder.path, 'host.db')

  const kills = [60, 180, 320]
  let host = startProcess(file, consumer.url, EVENTS)
  try {
    await waitFor(
      () => host.output().includes('raised') && consumer.requests.length >= 1,
      'the first requests',
    )
    for (const count of kills) {
      await consumer.received(Math.max(count, consumer.requests.length + 20))
      await host.kill()
      host = startProcess(file, consumer.url, 0)
    }
    await waitFor(() => host.output().includes('drained'), 'the rest')
  } finally {
    await host.kill()
  }

  const unordered = consumer.requests.filter(({ path }) => path === '/hook')
  const byId = Map.groupBy(unordered, ({ headers }) => String(headers['webhook-id']))
  expect(byId.size, 'every event').toBe(EVENTS)
  const bodiesDiffer = ([first, ...others]: ReceivedRequest[]) =>
    others.some(({ rawBody }) => !rawBody.equals(first?.rawBody as Buffer))
  expect([...byId.values()].filter(bodiesDiffer), 'repeated with another body').toEqual([])
  const ids = [...byId.values()].map(([request]) => idOf(request as ReceivedRequest))
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1))
  // Those under way at a kill, and those answered within the few milliseconds before their record.
  const repeated = unordered.length - EVENTS
  expect(repeated, `${repeated} requests were repeats`).toBeLessThanOrEqual(kills.length * 100)

  // In a lane nothing overtakes, killed or not: what is repeated is what was under way.
  const order = (path: string) => consumer.requests.filter((request) => request.path === path).map(idOf)
  const all = Array.from({ length: EVENTS }, (_, index) => index + 1)
  expect(withoutRepeats(order('/hook/fifo'))).toEqual(all)
  for (let lane = 0; lane < 10; lane++) {
    const inLane = (id: number) => id % 10 === lane
    expect(withoutRepeats(order('/hook/entity').filter(inLane))).toEqual(all.filter(inLane))
  }
}, 240_000)
