import type { SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createSyncClient, type SyncClientError, type SyncClientOptions } from '../src/index.ts'
import { type EventJson, eventJson, syncServer } from './sync-server.ts'

async function clientThatHears(events: readonly EventJson[], options: Partial<SyncClientOptions> = {}) {
  const server = await syncServer()
  server.events.push(...events)
  const client = createSyncClient({
    transport: 'polling',
    url: server.url,
    lastSyncDate: new Date(0),
    ...options,
  })
  return Object.assign(client, { server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() })
}

it('tells by name, by event type and by pattern', async () => {
  await using client = await clientThatHears([
    eventJson({ entityName: 'Site', action: 'Refresh' }),
    eventJson({ entityName: 'User', action: 'Reload' }),
    eventJson({ entityName: 'File', action: 'Download' }),
  ])
  const heard: string[] = []
  const names = [
    'refresh',
    'reload',
    'entityChanged',
    'Site.Refresh',
    'File.*',
    '*.Reload',
    '*',
    'Site.Reload',
  ] as const
  for (const name of names) client.on(name, (event) => heard.push(`${name}: ${event.entityName}`))
  await client.poll()
  expect(heard).toEqual([
    'refresh: Site',
    'entityChanged: Site',
    'Site.Refresh: Site',
    '*: Site',
    'reload: User',
    'entityChanged: User',
    '*.Reload: User',
    '*: User',
    'entityChanged: File',
    'File.*: File',
    '*: File',
  ])
})

it('leaves out other sites, but not what concerns all sites or all tenants', async () => {
  await using client = await clientThatHears(
    [
      eventJson({ tenantId: 1, siteId: 7 }),
      eventJson({ tenantId: 1, siteId: 8 }),
      eventJson({ tenantId: 2, siteId: 7 }),
      eventJson({ tenantId: 1, siteId: -1 }),
      eventJson({ tenantId: -1, siteId: -1 }),
    ],
    { siteKey: '1:7' },
  )
  const heard: string[] = []
  client.on('entityChanged', (event) => heard.push(event.siteKey))
  await client.poll()
  expect(heard).toEqual(['1:7', '1:-1', '-1:-1'])
})

it('calls the other listeners when one throws or rejects, and reports both', async () => {
  await using client = await clientThatHears([eventJson()])
  const heard: SyncEvent[] = []
  const errors: SyncClientError[] = []
  const thrown = new Error('thrown')
  const rejected = new Error('rejected')
  client.on('error', (error) => errors.push(error))
  client.on('refresh', () => {
    throw thrown
  })
  client.on('refresh', () => Promise.reject(rejected))
  client.on('entityChanged', (event) => heard.push(event))
  expect(await client.poll()).toBe(true)
  expect(heard).toHaveLength(1)
  await waitFor(() => errors.length === 2, 'both errors')
  expect(errors).toMatchObject([
    { code: 'listener_failed', cause: thrown },
    { code: 'listener_failed', cause: rejected },
  ])
})

it('logs what a listener of errors throws, and goes on', async () => {
  const logged: object[] = []
  const ignore = () => {}
  const logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (details: object) => logged.push(details),
  }
  await using client = await clientThatHears([], { logger })
  const failure = new Error('in the listener of errors')
  client.on('error', () => {
    throw failure
  })
  client.server.misbehave(() => 500)
  expect(await client.poll()).toBe(false)
  expect(logged).toEqual([{ err: failure }])
})

it('does not call a listener that another one removed, nor one that was added, for the same event', async () => {
  await using client = await clientThatHears([eventJson()])
  const heard: string[] = []
  client.on('refresh', () => {
    heard.push('first')
    unsubscribe()
    client.on('refresh', () => heard.push('added'))
  })
  const unsubscribe = client.on('refresh', () => heard.push('removed'))
  await client.poll()
  expect(heard).toEqual(['first'])
})

it('counts a function that is added twice as two listeners', async () => {
  await using client = await clientThatHears([eventJson()])
  let calls = 0
  const listener = () => {
    calls += 1
  }
  const unsubscribe = client.on('refresh', listener)
  client.on('refresh', listener)
  unsubscribe()
  unsubscribe()
  await client.poll()
  expect(calls).toBe(1)
})

it('tells changes of status in order, also when a listener causes the next one', async () => {
  await using client = await clientThatHears([])
  const told: string[] = []
  client.on('state', ({ state }) => (state === 'connecting' ? client.stop() : undefined))
  client.on('state', ({ state }) => told.push(state))
  client.start()
  await client.stop()
  expect(told).toEqual(['connecting', 'idle'])
})

it('refuses names that could never be told', async () => {
  const client = createSyncClient({ transport: 'polling', url: 'http://127.0.0.1/api/Sync' })
  // @ts-expect-error no such name
  expect(() => client.on('refresh ', () => {})).toThrow(/on\('refresh '\).*'Site.Refresh'/)
  // @ts-expect-error no listener
  expect(() => client.on('refresh')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})
