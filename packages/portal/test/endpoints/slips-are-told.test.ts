import { expect, it } from 'vitest'
import { createPortal } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

interface Answer {
  readonly endpoint?: { readonly id: string }
  readonly warnings: readonly { readonly code: string; readonly field: string; readonly detail: string }[]
}

async function openPortal() {
  const opened = await openSender()
  const portal = createPortal({
    sender: opened.sender,
    authorize: () => ({ tenantId: 1, role: 'manager' }),
  })
  async function call(method: string, path: string, body: object) {
    const headers = { 'content-type': 'application/json' }
    const response = await portal.handle(
      new Request(`http://host/api${path}`, { method, headers, body: JSON.stringify(body) }),
    )
    expect(response.status).toBeLessThan(300)
    return (await response.json()) as Answer
  }
  return { ...opened, call }
}

const codesOf = ({ warnings }: Answer) => warnings.map(({ code }) => code)

it('warns where event types were left out, and takes all of them when it is said', async () => {
  await using portal = await openPortal()
  const all = await portal.call('POST', '/endpoints', { url: 'http://127.0.0.1:9999/a' })
  expect(all).toMatchObject({
    endpoint: { eventTypes: ['*'] },
    warnings: [
      { code: 'all_event_types', field: 'eventTypes', detail: expect.stringContaining('all events') },
    ],
  })
  expect(
    codesOf(await portal.call('POST', '/endpoints', { url: 'http://127.0.0.1:9999/b', eventTypes: ['*'] })),
  ).toEqual([])
})

it('warns of a URL that another endpoint of the tenant has, in whatever spelling, on whichever page', async () => {
  await using portal = await openPortal()
  const eventTypes = ['*']
  const url = 'http://127.0.0.1:9999/hook'
  const { endpoint } = await portal.sender.endpoints.create({ tenantId: 1, url })
  await portal.sender.endpoints.create({ tenantId: 2, url: `${url}2` })
  for (let number = 0; number < 260; number++) {
    await portal.sender.endpoints.create({ tenantId: 1, url: `${url}/${number}` })
  }
  const second = await portal.call('POST', '/endpoints', {
    url: 'HTTP://127.0.0.1:9999/x/../hook#a',
    eventTypes,
  })
  expect(second.warnings).toMatchObject([
    { code: 'duplicate_url', field: 'url', detail: expect.stringContaining(endpoint.id) },
  ])
  const other = await portal.call('POST', '/endpoints', { url: `${url}2`, eventTypes })
  expect(codesOf(other)).toEqual([])
  const path = `/endpoints/${other.endpoint?.id}`
  expect(codesOf(await portal.call('PATCH', path, { description: 'x' }))).toEqual([])
  expect(codesOf(await portal.call('PATCH', path, { url: `${url}2` }))).toEqual([])
  expect(codesOf(await portal.call('PATCH', path, { url }))).toEqual(['duplicate_url'])
})

it('warns of a name that leads to no address', async () => {
  await using portal = await openPortal()
  const body = { url: 'https://hooks.nowhere.invalid/x', eventTypes: ['*'] }
  expect((await portal.call('POST', '/endpoints', body)).warnings).toMatchObject([
    { code: 'unresolved_host', field: 'url', detail: expect.stringContaining('hooks.nowhere.invalid') },
  ])
  const local = await portal.call('POST', '/endpoints', { url: 'http://localhost:9999/', eventTypes: ['*'] })
  expect(codesOf(local)).toEqual([])
})

it('says which event types may have been meant', async () => {
  await using opened = await openSender()
  const { sender } = opened
  const portal = createPortal({ sender, authorize: () => ({ tenantId: 1, role: 'manager' }) })
  for (const type of ['Page.Create', 'Page.Delete']) sender.eventTypes.define({ type, description: 'x' })
  const create = async (...eventTypes: string[]) => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ url: 'http://127.0.0.1:9999/a', eventTypes })
    const response = await portal.handle(
      new Request('http://host/api/endpoints', { method: 'POST', headers, body }),
    )
    return { status: response.status, body: await response.json() }
  }
  const field = 'eventTypes'
  expect(await create('Page.Delete', 'page.creat')).toMatchObject({
    status: 400,
    body: { field, suggestions: ['Page.Create'] },
  })
  expect(await create('Something.Else')).toMatchObject({ body: { field, suggestions: [] } })
  expect((await create()).body).not.toHaveProperty('suggestions')
})
