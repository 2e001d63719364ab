import { waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createSyncClient, type SyncClientError } from '../src/index.ts'
import { eventJson, syncServer } from './sync-server.ts'

const refusal = new Proxy(new Error('refused'), {
  get(error, name) {
    if (name === 'message') throw new Error('It has no text')
    return Reflect.get(error, name)
  },
})

describe.each([
  ['an object without a text', Object.create(null)],
  ['a symbol', Symbol('thrown')],
  ['nothing', undefined],
  ['an error that cannot be read', refusal],
])('when %s is thrown', (_, thrown: unknown) => {
  it.each(['auto', 'polling'] as const)(
    'by fetch, a client tries again and reports it (%s)',
    async (transport) => {
      const url = 'https://www.example.com/api/Sync'
      let asked = 0
      const fetch = () => {
        asked += 1
        return Promise.reject(thrown)
      }
      await using client = createSyncClient({ url, transport, fetch, retryBaseMs: 1 })
      const errors: SyncClientError[] = []
      client.on('error', (error) => errors.push(error))
      expect(await client.poll()).toBe(false)
      client.start()
      await waitFor(() => asked > 2 && client.state === 'waiting', 'the next try')
      for (const error of errors)
        expect([error.code, error.cause === thrown]).toEqual(['request_failed', true])
    },
  )

  it('by a listener, the others are called and the error is reported', async () => {
    await using server = await syncServer()
    server.events.push(eventJson())
    const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate: new Date(0) })
    const heard: string[] = []
    const errors: SyncClientError[] = []
    client.on('error', (error) => errors.push(error))
    client.on('entityChanged', () => {
      throw thrown
    })
    client.on('entityChanged', () => Promise.reject(thrown))
    client.on('entityChanged', ({ id }) => heard.push(id))
    expect(await client.poll()).toBe(true)
    expect(heard).toHaveLength(1)
    await waitFor(() => errors.length === 2, 'both reports')
    for (const error of errors)
      expect([error.code, error.cause === thrown]).toEqual(['listener_failed', true])
  })
})
