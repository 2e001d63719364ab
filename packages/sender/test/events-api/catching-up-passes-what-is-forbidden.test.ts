import { createReceiver, memorySequenceStore, type SequenceNotice } from '@x/receiver'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { startHost } from '../open-host.ts'
import { pullEndpoint, raise, serveEvents } from './serve-events.ts'

/** More than a page. */
const COUNT = 262

it('passes messages that the host forbids, at the beginning, page by page, and at the end', async () => {
  const given = [2, 260]
  await using host = await startHost({ canReceive: (_, { entityId }) => given.includes(Number(entityId)) })
  await using server = await serveEvents(host)
  const { endpoint, secret, key } = await pullEndpoint(host)
  await raise(host, ...Array.from({ length: COUNT }, (_, index) => index + 1))
  const receiver = createReceiver({ secrets: secret, sequence: { store: memorySequenceStore() } })
  const notices: SequenceNotice[] = []
  receiver.onGap((notice) => void notices.push(notice))
  const handled: unknown[] = []
  receiver.on('File.*', ({ data }) => void handled.push((data as { entityId: number }).entityId))

  const caughtUp = await receiver.catchUp({ url: server.url, endpoint: endpoint.id, key })
  expect(caughtUp).toEqual({ endpoint: endpoint.id, received: 2, sequence: COUNT })
  expect(handled).toEqual(given)
  expect(notices.filter(({ kind }) => kind === 'lost').length).toBeGreaterThan(0)
})
