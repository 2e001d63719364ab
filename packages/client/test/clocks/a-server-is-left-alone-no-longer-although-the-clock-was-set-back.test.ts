import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createSyncClient } from '../../src/index.ts'
import { observedClock, syncServer } from '../sync-server.ts'

const DAY = 86_400_000

it('polls a server again after its Retry-After although the clock was set back by a day meanwhile', async () => {
  await using server = await syncServer()
  const observed = observedClock()
  let offsetMs = 0
  const clock = { now: () => observed.now() + offsetMs, schedule: observed.schedule }
  await using client = createSyncClient({ transport: 'polling', url: server.url, clock })
  server.misbehave(() => ({ status: 503, headers: { 'retry-after': '120' } }))
  expect(await client.poll()).toBe(false)
  server.misbehave()
  offsetMs = -DAY
  expect(await client.poll()).toBe(false)
  await observed.advance(119_999)
  expect(await client.poll()).toBe(false)
  await observed.advance(1)
  expect(await client.poll()).toBe(true)
  await client.stop()
  client.start()
  await waitFor(() => client.state === 'polling', 'polling')
})
