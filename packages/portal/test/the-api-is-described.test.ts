import { Validator } from '@seriousme/openapi-schema-validator'
import { ENDPOINT_INPUTS } from '@x/sender'
import { testConsumer, waitFor } from '@x/testkit'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, it } from 'vitest'
import { changeFields, creationFields } from '../src/api/endpoint-schemas.ts'
import { object, optional, text, whole } from '../src/describe/schema.ts'
import { createPortal } from '../src/index.ts'
import { openSender } from './open-sender.ts'

type Json = Record<string, unknown>

interface Document extends Json {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, Described> }>>
  readonly components: { readonly schemas: Record<string, Json> }
}

interface Described {
  readonly content?: Record<string, { readonly schema: object }>
}

/** A portal with one delivery that succeeded and one that failed, and what calls its API. */
async function openApi() {
  await using opened = new AsyncDisposableStack()
  const { sender, engine } = opened.use(await openSender())
  const ok = opened.use(await testConsumer())
  const failing = opened.use(await testConsumer())
  failing.answer(() => ({ status: 500, body: 'No.' }))
  await engine.subscribe({ entityChanged() {} }, { name: 'durable', mode: 'durable' })
  const portal = createPortal({
    sender,
    engine,
    basePath: '/portal',
    authorize: () => ({ tenantId: 1, role: 'manager', operator: true }),
    links: { url: 'http://host/portal', secret: 'x'.repeat(32) },
    signIn: { secret: 'x'.repeat(32), userOf: () => ({ tenantId: 1, role: 'manager' }) },
  })

  async function call(name: string, body?: object): Promise<{ status: number; type: string; body: Json }> {
    const [method = '', path = ''] = name.split(' ')
    const response = await portal.handle(
      new Request(`http://host/portal${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )
    const type = response.headers.get('content-type')?.split(';')[0] ?? ''
    if (type === 'text/event-stream') await response.body?.cancel()
    const answer =
      response.status === 204 || response.bodyUsed || type === 'text/event-stream'
        ? {}
        : await response.json()
    return { status: response.status, type, body: answer as Json }
  }
  const all = opened.move()
  return { portal, sender, engine, ok, failing, call, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

it('is a valid OpenAPI document, for anybody', async () => {
  await using api = await openApi()
  const { status, body } = await api.call('GET /api/openapi.json')
  expect(status).toBe(200)
  const { valid, errors } = await new Validator().validate(body)
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
  expect(body).toMatchObject({ openapi: '3.1.1', servers: [{ url: '/portal' }] })
  const ids = Object.values((body as Document).paths).flatMap((path) =>
    Object.values(path).map((operation) => (operation as unknown as Json)['operationId']),
  )
  expect(ids).toEqual([...new Set(ids)])
})

it('describes all that is answered, and nothing else', async () => {
  await using api = await openApi()
  const { portal, sender, engine, ok, failing, call } = api
  const described = (await call('GET /api/openapi.json')).body as Document
  // A field that is not described is a slip, whatever readers have to expect.
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ ...closed(described), $id: 'portal' })
  const seen = new Set<string>()

  /** Calls a route, and compares what comes back. */
  async function check(route: string, id = '', body?: object): Promise<Json> {
    const [method = '', path = ''] = route.split(' ')
    const answer = await call(`${method} ${path.replace(':id', id)}`, body)
    const [template = ''] = path.replace(':id', '{id}').split('?')
    const response = described.paths[template]?.[method.toLowerCase()]?.responses[answer.status]
    expect(response, `${route} answered ${answer.status} ${JSON.stringify(answer.body)}`).toBeDefined()
    seen.add(`${method} ${template}`)
    if (!response?.content) {
      expect([route, answer.body]).toEqual([route, {}])
      return answer.body
    }
    expect([route, Object.keys(response.content)]).toEqual([route, [answer.type]])
    if (answer.type !== 'application/json') return answer.body
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      answer.status,
      'content',
      answer.type,
    ]
      .map((part) => encodeURIComponent(String(part).replaceAll('/', '~1')))
      .join('/')
    const validate = ajv.getSchema(`portal#/${pointer}/schema`)
    expect([route, validate?.(answer.body), validate?.errors]).toEqual([route, true, null])
    return answer.body
  }

  sender.eventTypes.define({
    type: 'Page.Create',
    description: 'A page was created.',
    schema: { type: 'object' },
    example: { title: 'Home' },
  })
  const created = await check('POST /api/endpoints', '', {
    url: ok.url,
    filter: { 'data.entityName': { $ne: 'Nothing' } },
    rateLimit: { limit: 100, perSeconds: 1 },
    retrySchedule: [0, 60],
    sequence: true,
    siteId: 1,
  })
  const { id } = created['endpoint'] as { id: string }
  const failed = await sender.endpoints.create({ tenantId: 1, url: failing.url, retrySchedule: [0] })
  await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, 'Page', 1, 'Create', {
    data: { title: 'Home' },
  })
  await check('POST /api/endpoints/test-filter', '', { filter: { type: 'Page.Create' } })
  await check('PATCH /api/endpoints/:id', id, { description: 'Pages', url: `${ok.url}/x` })
  await waitFor(async () => {
    const states = (await sender.deliveries.list({ tenantId: 1 })).map(({ state }) => state)
    return states.includes('succeeded') && states.includes('exhausted')
  }, 'a success and a failure')
  for (const endpointId of [id, failed.endpoint.id]) {
    await check('GET /api/endpoints/:id', endpointId)
    await check('GET /api/endpoints/:id/health', endpointId)
    const [first] = await sender.deliveries.list({ tenantId: 1, endpointId })
    await check('GET /api/deliveries/:id', first?.id)
    await check('GET /api/deliveries/:id/attempts?limit=1', first?.id)
  }
  await check('GET /api/endpoints?limit=1')
  await check('GET /api/endpoints?withSummary=true&sort=failing')
  await check('GET /api/deliveries?limit=1')
  await check('GET /api/deliveries/count')
  const [some] = await sender.deliveries.list({ tenantId: 1, state: 'exhausted' })
  await check('POST /api/deliveries/:id/resend', some?.id)
  for (const path of ['/api/statistics', `/api/endpoints/:id/statistics`]) await check(`GET ${path}`, id)
  await check('GET /api/event-types')
  await check('GET /api/raised-events?limit=1')
  await check('GET /api/raised-events/:id', some?.eventId)

  await check('GET /api/endpoints/:id/secrets', id)
  await check('POST /api/endpoints/:id/rotate-secret', id, { overlapSeconds: 60 })
  const key = await check('POST /api/endpoints/:id/keys', id)
  const newer = await check('POST /api/endpoints/:id/rotate-key', id, {
    keyId: key['id'],
    overlapSeconds: 60,
  })
  await check('GET /api/endpoints/:id/keys', id)
  await check('POST /api/endpoints/:id/revoke-key', id, { keyId: newer['id'] })
  ok.answer(({ rawBody }) => {
    const { data } = JSON.parse(String(rawBody)) as { data: { entity?: { token?: string } } }
    return { status: 200, body: JSON.stringify({ token: data.entity?.token }) }
  })
  const owned = await sender.endpoints.create({
    tenantId: 1,
    url: ok.url,
    signature: 'ed25519',
    verifyOwnership: true,
  })
  await check('POST /api/endpoints/:id/verify', owned.endpoint.id)

  const since = new Date(Date.now() - 3_600_000).toISOString()
  const job = await check('POST /api/endpoints/:id/recover', id, { since, eventTypes: ['Page.*'] })
  await check('POST /api/endpoints/:id/replay', id, { since, include: 'missing' })
  await check('POST /api/deliveries/resend', '', { state: ['exhausted'], status: '5xx', createdAfter: since })
  await check('POST /api/deliveries/cancel', '', { eventType: 'Page.*' })
  await check('GET /api/jobs')
  await check('GET /api/alerts')
  await check('PATCH /api/alerts', '', { on: ['failing'], to: [{ kind: 'slack', url: failing.url }] })
  await check('POST /api/alerts/test')
  await check('GET /api/audit-log')
  await check('GET /api/jobs/:id', String(job['id']))
  await check('POST /api/jobs/:id/cancel', String(job['id']))

  await check('POST /api/endpoints/try', '', { url: failing.url, eventType: 'Webhook.Test' })
  const slow = await sender.endpoints.create({ tenantId: 1, url: ok.url, retrySchedule: [3_600] })
  const test = await check('POST /api/endpoints/:id/test', slow.endpoint.id)
  await check('POST /api/deliveries/:id/cancel', String(test['id']))
  await check('POST /api/endpoints/:id/cancel-pending', slow.endpoint.id)
  await check('POST /api/endpoints/:id/disable', id)
  await check('POST /api/endpoints/:id/enable', id)
  await check('DELETE /api/endpoints/:id', id)

  await check('GET /api/subscriptions')
  await check('GET /api/subscriptions/:id', 'durable')
  for (const action of ['pause', 'resume', 'discard', 'skip']) {
    await check(`POST /api/subscriptions/:id/${action}`, 'durable')
  }
  await check('GET /api/events')
  await check('GET /api/session')
  await check('POST /api/session', '', { token: 'token' })
  const { url } = await portal.createLink({ tenantId: 1, role: 'viewer' })
  await check('POST /api/session/link', '', { link: url.split('#link=')[1] })
  await check('DELETE /api/session')
  await check('GET /api/openapi.json')

  const operations = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect([...seen].sort()).toEqual(operations.sort())
})

it('knows the fields that the sender knows, and has each described', () => {
  expect(['tenantId', ...Object.keys(creationFields)].sort()).toEqual([...ENDPOINT_INPUTS.create].sort())
  expect(Object.keys(changeFields).sort()).toEqual([...ENDPOINT_INPUTS.update].sort())
  interface Thing {
    readonly name: string
    readonly size?: number
  }
  // @ts-expect-error a property is missing
  object<Thing>({ name: text() })
  // @ts-expect-error size may be missing
  object<Thing>({ name: text(), size: whole(0, 1) })
  // @ts-expect-error there is no property color
  object<Thing>({ name: text(), size: optional(whole(0, 1)), color: text() })
})

/** The same document, whose objects have no further properties. */
function closed<TValue>(value: TValue): TValue {
  if (Array.isArray(value)) return value.map(closed) as TValue
  if (typeof value !== 'object' || value === null) return value
  const part = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closed(one)]))
  const isObject = part['properties'] !== undefined && !('additionalProperties' in part)
  return (isObject ? { ...part, unevaluatedProperties: false } : part) as TValue
}
