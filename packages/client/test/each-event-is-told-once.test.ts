import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSeenIds } from '../src/cursor.ts'
import { createSyncClient } from '../src/index.ts'
import { eventJson, syncServer } from './sync-server.ts'

const lastSyncDate = new Date('2026-11-24T07:00:00.000Z')

it('tells an event once whose date is that of the answer, since the next question includes it', async () => {
  await using server = await syncServer()
  server.events.push(eventJson({ modifiedOn: server.now.toISOString() }))
  const heard: string[] = []
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate })
  client.on('entityChanged', (event) => heard.push(event.id))
  await client.poll()
  await client.poll()
  server.events.push(eventJson({ modifiedOn: server.now.toISOString() }))
  await client.poll()
  expect(heard).toEqual(server.events.map((event) => event.id))
})

it('tells whole events, immutable, with dates as dates', async () => {
  await using server = await syncServer()
  server.events.push(
    eventJson({ entityName: 'File', entityId: 'a-1', action: 'Download', data: { size: 3 } }),
  )
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate })
  const heard: unknown[] = []
  client.on('File.Download', (event) => heard.push(event))
  await client.poll()
  expect(heard).toEqual([{ ...server.events[0], modifiedOn: new Date('2026-11-24T08:00:00.000Z') }])
  expect(Object.isFrozen(heard[0])).toBe(true)
})

it('tells the rest of an answer after a restart when a listener stopped the client in the middle', async () => {
  await using server = await syncServer()
  server.events.push(eventJson(), eventJson(), eventJson())
  await using client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate })
  const heard: string[] = []
  client.on('entityChanged', (event) => {
    heard.push(event.id)
    if (heard.length === 1) return client.stop()
  })
  await client.poll()
  expect(heard).toHaveLength(1)
  await client.poll()
  expect(heard).toEqual(server.events.map((event) => event.id))
})

it('goes on after a stop where it was', async () => {
  await using server = await syncServer()
  await using client = createSyncClient({ transport: 'polling', url: server.url })
  const heard: string[] = []
  client.on('entityChanged', (event) => heard.push(event.id))
  await client.poll()
  await client.stop()
  server.events.push(eventJson())
  const told = new Promise((resolve) => client.on('entityChanged', resolve))
  client.start()
  await told
  expect(heard).toEqual([server.events[0]?.id])
})

describe('the memory of ids', () => {
  it('is bounded, and never forgets the ids of the last answer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 30 }), { maxLength: 20 }),
        (capacity, answers) => {
          const seen = createSeenIds(capacity)
          for (const answer of answers) {
            for (const id of answer) seen.add(String(id))
            seen.trim(answer.length)
            for (const id of answer) expect(seen.add(String(id))).toBe(false)
          }
        },
      ),
    )
    const seen = createSeenIds(2)
    for (const id of ['a', 'b', 'c']) seen.add(id)
    seen.trim(1)
    expect(seen.add('a')).toBe(true)
  })
})
