import { expect, it } from 'vitest'
import { createSyncClient, SyncClientError, type SyncClientOptions } from '../src/index.ts'
import { syncServer } from './sync-server.ts'

const url = 'https://www.example.com/api/Sync'

it.each([
  [{ url: '' }, 'options.url must be an http(s) URL, absolute outside of browsers'],
  [{ url: '/api/Sync' }, 'query and fragment; got "/api/Sync"'],
  [{ url: 'file:///api/Sync' }, 'options.url must be an http(s) URL'],
  [{ url: `${url}?tenant=1` }, 'query and fragment; got'],
  [{ url, siteKey: '1' }, 'options.siteKey must be tenantId:siteId, as in "1:7"; got "1"'],
  [{ url, lastSyncDate: new Date(Number.NaN) }, 'options.lastSyncDate must be a valid Date'],
  [{ url, pollIntervalMs: 0 }, 'options.pollIntervalMs must be a whole number from 1 to 2147483647; got 0'],
  [{ url, pollIntervalMs: 2 ** 31 }, 'got 2147483648'],
  [{ url, requestTimeoutMs: Number.NaN }, 'options.requestTimeoutMs must be'],
  [{ url, retryBaseMs: 1.5 }, 'options.retryBaseMs must be'],
  [
    { url, retryBaseMs: 500, retryMaxMs: 100 },
    'options.retryMaxMs must be retryBaseMs (500) or more; got 100',
  ],
  [{ url, headers: { 'bad name': 'x' } }, 'options.headers must be valid headers'],
])('refuses %j', (options: SyncClientOptions, message) => {
  const create = () => createSyncClient(options)
  expect(create).toThrow(SyncClientError)
  expect(create).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(create).toThrow(message)
})

it('does not repeat secrets in its errors', () => {
  const messageOf = (options: SyncClientOptions) => {
    try {
      createSyncClient(options)
    } catch (error) {
      return String(error)
    }
    return expect.unreachable()
  }
  expect(messageOf({ url: 'https://me:hunter2@www.example.com/' })).not.toContain('hunter2')
  expect(messageOf({ url, headers: { authorization: 'Bearer hunter2\n\0' } })).not.toContain('hunter2')
})

it('sends headers, and asks a function for them each time', async () => {
  await using server = await syncServer()
  let token = 0
  const client = createSyncClient({
    url: server.url,
    headers: async () => {
      token += 1
      return { Authorization: `Bearer ${token}`, Accept: 'application/vnd.sync+json' }
    },
  })
  await client.poll()
  await client.poll()
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2'])
  expect(server.requests[0]?.headers.accept).toBe('application/vnd.sync+json')
})

it('reports headers that could not be had', async () => {
  const client = createSyncClient({ url, headers: () => Promise.reject(new Error('signed out')) })
  const messages: string[] = []
  client.on('error', (error) => messages.push(`${error.code}: ${error.message}`))
  expect(await client.poll()).toBe(false)
  expect(messages).toEqual(['request_failed: The sync API could not be reached: signed out'])
})

it('calls fetch past all caches, and not as a method, since browsers refuse that', async () => {
  await using server = await syncServer()
  let receiver: unknown = 'not called'
  let cache: string | undefined
  const client = createSyncClient({
    url: server.url,
    fetch: function (this: unknown, address, init) {
      receiver = this
      cache = init.cache
      return fetch(address, init)
    },
  })
  expect(await client.poll()).toBe(true)
  expect(receiver).toBeUndefined()
  expect(cache).toBe('no-store')
})
