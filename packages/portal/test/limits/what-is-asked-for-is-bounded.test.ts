import { expect, it } from 'vitest'
import { createPortal } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

const ORIGIN = 'https://host.example'

async function openApi() {
  const host = await openSender()
  const portal = createPortal({
    sender: host.sender,
    engine: host.engine,
    basePath: '/portal',
    authorize: () => ({ tenantId: 1, role: 'manager', operator: true }),
  })
  return {
    sender: host.sender,
    async call(method: string, path: string, body?: string) {
      const response = await portal.handle(
        new Request(`${ORIGIN}/portal/api${path}`, {
          method,
          headers: { origin: ORIGIN, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body }),
        }),
      )
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

const refused = (field: string) => ({ status: 400, body: { code: 'invalid_argument', field } })

it('gives statistics of any time that there is in at most 120 buckets', async () => {
  await using api = await openApi()
  for (const since of ['0001-01-01', '1970-01-01T00:00:00Z', '2026-11-26T00:00:00.123456789+02:00']) {
    const { status, body } = await api.call(
      'GET',
      `/statistics?since=${encodeURIComponent(since)}&until=9999-12-31T23:59:59.999Z`,
    )
    expect(status).toBe(200)
    expect((body['buckets'] as unknown[]).length).toBeLessThanOrEqual(120)
  }
})

it('refuses times that are none, and names the field', async () => {
  await using api = await openApi()
  const odd = [
    '',
    '0000-01-01',
    '2026-02-30',
    '2025-02-29T00:00:00Z',
    '2026-13-01',
    '2026-01-32',
    '2026-01-01 (comment)',
    '2026-01-01T12:00:00',
    '2026-01-01T25:00:00Z',
    '2026-01-01T12:00:00+99:00',
    '+012026-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    'Jan 1 2026',
    '0',
    '8640000000000000',
    'x'.repeat(2_000),
  ]
  for (const time of odd) {
    const value = encodeURIComponent(time)
    for (const field of ['since', 'until'])
      expect(await api.call('GET', `/statistics?${field}=${value}`), time).toMatchObject(refused(field))
    for (const field of ['createdAfter', 'createdBefore'])
      expect(await api.call('GET', `/deliveries?${field}=${value}`), time).toMatchObject(refused(field))
  }
  expect(await api.call('GET', '/deliveries?createdAfter=2028-02-29&createdBefore=2028-02-28')).toMatchObject(
    { status: 200, body: { items: [] } },
  )
  expect(await api.call('GET', '/statistics?since=2026-01-02&until=2026-01-01')).toMatchObject(
    refused('since'),
  )
})

it('refuses times of jobs that are none, and begins none', async () => {
  await using api = await openApi()
  const { endpoint } = await api.sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:9999/hook' })
  for (const time of ['"0000-01-01"', '"2026-02-30"', '1e400', '-0', '{}', '[[]]', '8640000000000000']) {
    for (const job of ['recover', 'replay', 'cancel-pending']) {
      const field = job === 'cancel-pending' ? 'until' : 'since'
      const path = `/endpoints/${endpoint.id}/${job}`
      expect(await api.call('POST', path, `{"${field}":${time}}`), time).toMatchObject(refused(field))
    }
  }
  const turned = '{"since":"2026-01-02","until":"2026-01-01"}'
  expect(await api.call('POST', `/endpoints/${endpoint.id}/recover`, turned)).toMatchObject(refused('since'))
  expect(await api.sender.jobs.list({ tenantId: 1 })).toEqual([])
})

it('takes numbers in digits alone', async () => {
  await using api = await openApi()
  const odd = [
    '',
    '0',
    '-0',
    '-1',
    '1e9',
    '1e1',
    '0x10',
    '0x3c',
    '6e1',
    ' 60',
    '60.0',
    '+5',
    ' 5',
    '5 ',
    '٥',
    '9'.repeat(1_000),
  ]
  for (const number of odd) {
    const value = encodeURIComponent(number)
    for (const list of ['deliveries', 'endpoints', 'jobs'])
      expect(await api.call('GET', `/${list}?limit=${value}`), number).toMatchObject(refused('limit'))
    expect(await api.call('GET', `/statistics?bucketSeconds=${value}`), number).toMatchObject(
      refused('bucketSeconds'),
    )
  }
  expect(await api.call('GET', '/deliveries?limit=101')).toMatchObject(refused('limit'))
  expect(await api.call('GET', '/deliveries?limit=100')).toMatchObject({ status: 200 })
})

it('answers bodies that are deep, wide or odd with a problem, and stores nothing', async () => {
  await using api = await openApi()
  const url = '"url":"http://127.0.0.1:9999/hook"'
  const deep = '['.repeat(30_000) + ']'.repeat(30_000)
  const digits = '9'.repeat(60_000)
  const wide = `{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":1`).join(',')}}`
  const odd: Record<string, string> = {
    eventTypes: deep,
    description: deep,
    metadata: `{"a":${deep}}`,
    headers: `{"a":${deep}}`,
    concurrency: '{"max":{"toString":1,"valueOf":1}}',
    ordering: `{"by":${deep}}`,
    rateLimit: `{"limit":${digits},"perSeconds":1}`,
    retrySchedule: `[${digits}]`,
    siteId: '1e400',
    format: '{"toString":null}',
    payloadVersion: '{"__proto__":{"toString":1}}',
    signature: deep,
    secret: `"whsec_${'A'.repeat(60_000)}"`,
  }
  for (const [field, value] of Object.entries(odd)) {
    const { status, body } = await api.call('POST', '/endpoints', `{${url},"${field}":${value}}`)
    expect(status, field).toBe(400)
    expect(String(body['field']).split('.')[0]).toBe(field)
    expect(String(body['detail']).length, field).toBeLessThan(400)
  }
  expect(await api.call('POST', '/endpoints', `{${url},"metadata":${wide}}`)).toMatchObject({
    status: 400,
    body: { field: 'metadata' },
  })
  expect(await api.call('POST', '/endpoints', wide)).toMatchObject({ status: 400 })
  expect(await api.call('POST', '/endpoints', deep)).toMatchObject({ status: 400 })
  expect(await api.sender.endpoints.list({ tenantId: 1 })).toEqual([])
})

it('knows nothing of ids that are none', async () => {
  await using api = await openApi()
  for (const id of ['%00', '%ff', '%F0%9F%98%80', 'ep_', 'x'.repeat(10_000), '%22%27;--']) {
    expect(await api.call('GET', `/endpoints/${id}`)).toMatchObject({ status: 404 })
    expect(await api.call('GET', `/deliveries/${id}`)).toMatchObject({ status: 404 })
    expect(await api.call('GET', `/jobs/${id}`)).toMatchObject({ status: 404 })
    // No text at all, rather than an id that nobody has.
    const isText = id !== '%00' && id !== '%ff'
    const expected = isText ? { status: 200, body: { items: [], next: null } } : { status: 400 }
    expect(await api.call('GET', `/deliveries?endpointId=${id}`)).toMatchObject(expected)
    expect(await api.call('GET', `/jobs?endpointId=${id}`)).toMatchObject(expected)
    const refusal = isText ? refused('eventType') : { status: 400 }
    expect(await api.call('GET', `/deliveries?eventType=${id}`)).toMatchObject(refusal)
  }
})
