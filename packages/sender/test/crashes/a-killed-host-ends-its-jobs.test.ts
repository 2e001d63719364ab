import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import process from 'node:process'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { encryptionKey } from '../open-host.ts'

const EVENTS = 2_500

function startProcess(file: string, url: string, events: number) {
  const script = join(import.meta.dirname, '..', 'processes', 'replaying-host.ts')
  const args = ['--conditions=@x/source', script, file, encryptionKey.toString('hex'), url, String(events)]
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout?.on('data', (chunk) => (output += chunk))
  child.stderr?.on('data', (chunk) => (output += chunk))
  return {
    output: () => output,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

it('goes on with a replay where the process before was killed: nothing is missed, nothing stored twice', async () => {
  await using folder = await temporaryFolder()
  await using consumer = await testConsumer()
  const file = join(folder.path, 'host.db')
  const query = <TRow>(sql: string) => {
    const database = new Database(file, { readonly: true })
    try {
      return database.prepare(sql).all() as TRow[]
    } finally {
      database.close()
    }
  }
  const [first, second] = [0, 1]
  const jobs = () => query<{ state: string; affected: number }>('select state, affected from xe_webhook_job')

  let host = startProcess(file, consumer.url, EVENTS)
  try {
    await waitFor(() => consumer.requests.length >= 1, `the first request; the host said: ${host.output()}`)
    await host.kill()
    expect(jobs()[first]).toMatchObject({ state: 'running' })
    expect(jobs()[first]?.affected).toBeLessThan(EVENTS)
    host = startProcess(file, consumer.url, 0)
    await waitFor(() => host.output().includes('drained'), `the rest; the host said: ${host.output()}`)
  } finally {
    await host.kill()
  }

  expect(jobs()[second]).toBeUndefined()
  expect(jobs()[first]).toEqual({ state: 'succeeded', affected: EVENTS })
  expect(query('select count(*) as count, state from xe_webhook_delivery group by state')).toEqual([
    { count: EVENTS, state: 'succeeded' },
  ])
  expect(query('select event_id from xe_webhook_message group by event_id having count(*) > 1')).toEqual([])
  const byId = Map.groupBy(consumer.requests, ({ headers }) => headers['webhook-id'])
  expect(byId.size, 'every event').toBe(EVENTS)
  // Those under way at the kill, and those answered within the few milliseconds before their record.
  expect(consumer.requests.length - EVENTS).toBeLessThanOrEqual(100)
})
