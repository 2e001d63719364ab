import { systemClock } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createSyncClient } from '../../src/index.ts'
import { streamServer } from '../stream-server.ts'

const DAY = 86_400_000

it('gives a silent stream up although the clock was set back by a day meanwhile', async () => {
  await using server = await streamServer()
  let offsetMs = 0
  const clock = { now: () => Date.now() + offsetMs, schedule: systemClock.schedule }
  await using client = createSyncClient({ url: server.url, clock, silenceMs: 1_000, retryBaseMs: 10 })
  const errors: string[] = []
  client.on('error', ({ code }) => errors.push(code))
  client.start()
  await waitFor(() => client.state === 'live', 'the client to be live')
  offsetMs = -DAY
  await waitFor(() => server.asked.length > 1, 'the next stream')
  expect(errors).toContain('timeout')
})
