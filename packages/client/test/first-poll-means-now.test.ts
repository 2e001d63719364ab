import { expect, it } from 'vitest'
import { createSyncClient } from '../src/index.ts'
import { eventJson, syncServer } from './sync-server.ts'

it('asks with the minimum date first, and with the date of the answer from then on', async () => {
  await using server = await syncServer()
  server.now = new Date('2026-11-24T08:00:00.005Z')
  const client = createSyncClient({ transport: 'polling', url: server.url })
  expect(await client.poll()).toBe(true)
  expect(await client.poll()).toBe(true)
  expect(server.dates()).toEqual(['00010101000000000', '20261124080000005'])
})

it('has nothing to catch up on at first, also when the server answers its whole log', async () => {
  await using server = await syncServer()
  const old = eventJson()
  server.misbehave(() => ({
    status: 200,
    body: JSON.stringify({ syncDate: '2026-11-24T08:00:00.000Z', syncEvents: [old] }),
  }))
  const heard: string[] = []
  const client = createSyncClient({ transport: 'polling', url: server.url })
  client.on('entityChanged', (event) => heard.push(event.id))
  await client.poll()
  await client.poll()
  expect(heard).toEqual([])
})

it('catches up from the date that the state shown was read at', async () => {
  await using server = await syncServer()
  const missed = eventJson({ modifiedOn: '2026-11-24T07:59:00.000Z' })
  server.events.push(eventJson({ modifiedOn: '2026-11-24T07:00:00.000Z' }), missed)
  const heard: string[] = []
  const client = createSyncClient({
    transport: 'polling',
    url: server.url,
    lastSyncDate: new Date('2026-11-24T07:58:00.000Z'),
  })
  client.on('refresh', (event) => heard.push(event.id))
  await client.poll()
  expect(server.dates()).toEqual(['20261124075800000'])
  expect(heard).toEqual([missed.id])
})

it('appends the date to urls with and without a slash at the end', async () => {
  await using server = await syncServer()
  await createSyncClient({ transport: 'polling', url: new URL(`${server.url}//`) }).poll()
  expect(server.requests[0]?.path).toBe('/hook/00010101000000000')
})
