import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import type { PortalUser } from '../src/authorize.ts'
import { createPortal } from '../src/index.ts'
import { openSender } from './open-sender.ts'

const users: Readonly<Record<string, PortalUser>> = {
  operator: { tenantId: 1, role: 'viewer', operator: true },
  manager: { tenantId: 1, role: 'manager' },
}

async function openPortal({ hasEngine = true } = {}) {
  const opened = await openSender()
  const portal = createPortal({
    sender: opened.sender,
    ...(hasEngine ? { engine: opened.engine } : {}),
    authorize: (request) => users[request.headers.get('authorization') ?? ''],
  })
  async function call(who: string, method: string, path: string, body?: object) {
    const response = await portal.handle(
      new Request(`http://host/api${path}`, {
        method,
        headers: { authorization: who, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { ...opened, call }
}

it('shows how far each is behind, and retries or skips parked events', async () => {
  await using portal = await openPortal()
  const { engine, call } = portal
  let isBroken = true
  const handled: number[] = []
  await engine.subscribe(
    {
      entityChanged({ entityId }) {
        if (isBroken) throw new Error('the index is away')
        handled.push(Number(entityId))
      },
    },
    { name: 'search-index', mode: 'durable', retry: { maxAttempts: 1 } },
  )
  for (const id of [1, 2])
    await engine.syncManager.addSyncEvent({ tenantId: 7, siteId: 1 }, 'File', id, 'Create')
  const path = `/subscriptions/search-index`
  const standing = async () => (await call('operator', 'GET', path)).body
  await waitFor(async () => (await standing())['parked'] === 2, 'both to be parked')

  const { parkedEvents } = (await standing()) as {
    parkedEvents: { event: { id: string; entityId: number; tenantId: number }; error: string }[]
  }
  expect(parkedEvents).toMatchObject([
    { event: { entityId: 1, tenantId: 7 }, error: expect.stringContaining('the index is away') },
    { event: { entityId: 2 } },
  ])
  expect((await call('operator', 'GET', '/subscriptions')).body['items']).toContainEqual(
    expect.objectContaining({
      name: 'search-index',
      state: 'active',
      parked: 2,
      lagEvents: expect.any(Number),
    }),
  )

  isBroken = false
  const [first, second] = parkedEvents
  expect(await call('operator', 'POST', `${path}/discard`, { eventId: first?.event.id })).toMatchObject({
    status: 200,
    body: { parked: 1 },
  })
  expect((await call('operator', 'POST', `${path}/resume`, { eventId: second?.event.id })).status).toBe(200)
  await waitFor(() => handled.length === 1, 'the second to be tried again')
  expect(handled).toEqual([2])
  await waitFor(async () => (await standing())['parked'] === 0, 'no event to be parked')

  expect(await call('operator', 'POST', `${path}/pause`)).toMatchObject({ body: { state: 'paused' } })
  expect(await call('operator', 'POST', `${path}/resume`)).toMatchObject({ body: { state: 'active' } })
})

it('skips the event that blocks', async () => {
  await using portal = await openPortal()
  const { engine, call } = portal
  const handled: number[] = []
  await engine.subscribe(
    {
      entityChanged({ entityId }) {
        if (entityId === 1) throw new Error('never')
        handled.push(Number(entityId))
      },
    },
    { name: 'strict', mode: 'durable', retry: { maxAttempts: 1 }, onExhausted: 'block' },
  )
  for (const id of [1, 2])
    await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, 'File', id, 'Create')
  await waitFor(
    async () => (await call('operator', 'GET', '/subscriptions/strict')).body['state'] === 'blocked',
    'it to block',
  )
  expect((await call('operator', 'POST', '/subscriptions/strict/skip')).status).toBe(200)
  await waitFor(() => handled.length === 1, 'the one after it')
})

it('is for operators alone, and for hosts that give their engine', async () => {
  await using portal = await openPortal()
  for (const [method, path] of [
    ['GET', '/subscriptions'],
    ['GET', '/subscriptions/webhooks'],
    ['POST', '/subscriptions/webhooks/resume'],
    ['POST', '/subscriptions/webhooks/discard'],
    ['POST', '/subscriptions/webhooks/skip'],
    ['POST', '/subscriptions/webhooks/pause'],
  ] as const) {
    expect(await portal.call('manager', method, path), path).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
  }
  expect((await portal.call('operator', 'GET', '/subscriptions/none')).status).toBe(404)
  expect((await portal.call('operator', 'POST', '/subscriptions/none/pause')).status).toBe(404)
  await using without = await openPortal({ hasEngine: false })
  expect((await without.call('operator', 'GET', '/subscriptions')).status).toBe(404)
})
