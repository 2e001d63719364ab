import { expect, it } from 'vitest'
import { createWebhookSender, WebhookSenderError } from '../../src/index.ts'
import { it as itOnEach } from '../each-database.ts'
import { encryptionKey, openHost } from '../open-host.ts'

const url = 'https://example.com/hook'

it.each<[string, Record<string, unknown>, string, string]>([
  ['no tenant', { url }, 'invalid_endpoint', 'tenantId'],
  ['all tenants', { tenantId: -1, url }, 'invalid_endpoint', 'tenantId'],
  ['a tenant that is a text', { tenantId: '1', url }, 'invalid_endpoint', 'tenantId'],
  ['a site that is no integer', { siteId: 1.5, url }, 'invalid_endpoint', 'siteId'],
  ['an empty URL', { url: '' }, 'invalid_url', 'url'],
  ['a path as URL', { url: '/hook' }, 'invalid_url', 'url'],
  ['another protocol', { url: 'ftp://example.com' }, 'invalid_url', 'url'],
  ['a script', { url: 'javascript:alert(1)' }, 'invalid_url', 'url'],
  ['a file', { url: 'file:///etc/passwd' }, 'invalid_url', 'url'],
  ['credentials in the URL', { url: 'https://user:pass@example.com' }, 'invalid_url', 'url'],
  ['an empty URL', { url: '' }, 'invalid_url', 'url'],
  ['a URL that is no text', { url: 5 }, 'invalid_url', 'url'],
  ['an endless URL', { url: `https://example.com/${'x'.repeat(2_048)}` }, 'invalid_url', 'url'],
  ['port 0', { url: 'https://example.com:0/' }, 'invalid_url', 'url'],
  ['event types that are a text', { url, eventTypes: 'File.*' }, 'invalid_endpoint', 'eventTypes'],
  ['no event types at all', { url, eventTypes: [] }, 'invalid_endpoint', 'eventTypes'],
  ['half a pattern', { url, eventTypes: ['File.Down*'] }, 'invalid_endpoint', 'eventTypes'],
  ['too many event types', { url, eventTypes: Array(101).fill('File.*') }, 'invalid_endpoint', 'eventTypes'],
  ['an endless description', { url, description: 'x'.repeat(1_001) }, 'invalid_endpoint', 'description'],
  ['half a character', { url, description: '\ud800' }, 'invalid_endpoint', 'description'],
  ['metadata that are no texts', { url, metadata: { a: 1 } }, 'invalid_endpoint', 'metadata.a'],
  ['headers that are a list', { url, headers: [['a', 'b']] }, 'invalid_endpoint', 'headers'],
  ['a line break in a header', { url, headers: { a: 'b\r\nx: y' } }, 'invalid_endpoint', 'headers.a'],
  ['a space in a name', { url, headers: { 'a b': 'c' } }, 'invalid_endpoint', 'headers.a b'],
  ['another host', { url, headers: { Host: 'evil' } }, 'invalid_endpoint', 'headers.host'],
  [
    'another length',
    { url, headers: { 'Content-Length': '1' } },
    'invalid_endpoint',
    'headers.content-length',
  ],
  [
    'a signature',
    { url, headers: { 'Webhook-Signature': 'v1,x' } },
    'invalid_endpoint',
    'headers.webhook-signature',
  ],
  [
    'a hop-by-hop header',
    { url, headers: { connection: 'close' } },
    'invalid_endpoint',
    'headers.connection',
  ],
  ['an endless header', { url, headers: { a: 'x'.repeat(4_097) } }, 'invalid_endpoint', 'headers.a'],
  ['one header twice', { url, headers: { a: '1', A: '2' } }, 'invalid_endpoint', 'headers.a'],
  ['no concurrency', { url, concurrency: 0 }, 'invalid_endpoint', 'concurrency'],
  ['too much concurrency', { url, concurrency: 65 }, 'invalid_endpoint', 'concurrency'],
  ['crossed bounds', { url, concurrency: { min: 9, max: 8 } }, 'invalid_endpoint', 'concurrency.min'],
  ['an unknown order', { url, ordering: 'lifo' }, 'invalid_endpoint', 'ordering'],
  ['a rate of none', { url, rateLimit: { limit: 0, perSeconds: 1 } }, 'invalid_endpoint', 'rateLimit.limit'],
  ['a rate of a text', { url, rateLimit: '10/s' }, 'invalid_endpoint', 'rateLimit'],
  ['a schedule of nothing', { url, retrySchedule: [] }, 'invalid_endpoint', 'retrySchedule'],
  ['an unknown format', { url, format: 'xml' }, 'invalid_endpoint', 'format'],
  ['a version where there are none', { url, payloadVersion: 'v1' }, 'invalid_endpoint', 'payloadVersion'],
  ['an attribute of its own', { url, headers: { 'CE-Type': 'x' } }, 'invalid_endpoint', 'headers.ce-type'],
  ['half a challenge', { url, verifyOwnership: 'yes' }, 'invalid_endpoint', 'verifyOwnership'],
  ['an unknown signature', { url, signature: 'rsa' }, 'invalid_endpoint', 'signature'],
])('refuses an endpoint with %s', async (what, input, code, field) => {
  await using host = await openHost()
  const tenant = what === 'no tenant' ? {} : { tenantId: 1 }
  const error = await host.sender.endpoints
    .create({ ...tenant, ...input } as never)
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WebhookSenderError)
  expect(error).toMatchObject({ code, field })
  expect(await host.sender.endpoints.list({ tenantId: 1 })).toEqual([])
})

const deeplyNested: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)

it.each<[string, () => object]>([
  ['forbidden_address', () => ({ url: 'http://10.0.0.1/' })],
  ['invalid_url', () => ({ url: 'https://example.com:22/' })],
  ['invalid_endpoint', () => ({ url, ordering: { by: 'nothing' } })],
  ['invalid_endpoint', () => ({ url, description: { toString: 1, valueOf: 1 } })],
  ['invalid_endpoint', () => ({ url, siteId: deeplyNested })],
])('says of %s what a tenant can do, and to the host what its author can', async (code, input) => {
  await using host = await openHost()
  const error = await host.sender.endpoints
    .create({ tenantId: 1, ...input() } as never)
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code, detail: expect.stringContaining("The endpoint's") })
  const { detail, message } = error as WebhookSenderError
  expect(detail).not.toMatch(/options\.|createWebhookSender|\w\(\)/)
  expect(message.startsWith(detail)).toBe(true)
})

it('never repeats a header value or a password in an error', async () => {
  await using host = await openHost()
  const create = host.sender.endpoints.create
  await expect(create({ tenantId: 1, url: 'https://me:hunter2@example.com' })).rejects.not.toThrow('hunter2')
  await expect(create({ tenantId: 1, url, headers: { a: 'hunter2\n' } })).rejects.not.toThrow('hunter2')
})

it('refuses http: when only https: is wanted', async () => {
  await using host = await openHost({ network: { httpsOnly: true } })
  const creating = host.sender.endpoints.create({ tenantId: 1, url: 'http://example.com/' })
  await expect(creating).rejects.toMatchObject({ code: 'invalid_url', field: 'url' })
})

it.each([
  ['retrySchedule', { retrySchedule: [] }],
  ['retrySchedule', { retrySchedule: [-1] }],
  ['disableAfterDays', { disableAfterDays: 0 }],
  ['failingAfter.failures', { failingAfter: { failures: 0 } }],
  ['failingAfter.minutes', { failingAfter: { minutes: -1 } }],
  ['circuit.failures', { circuit: { failures: 0 } }],
  ['circuit.maxPauseSeconds', { circuit: { firstPauseSeconds: 5, maxPauseSeconds: 1 } }],
  ['orderingKeys', { orderingKeys: { entity: () => '' } }],
  ['maxEndpointsPerTenant', { maxEndpointsPerTenant: 0 }],
  ['previousEncryptionKeys[0]', { previousEncryptionKeys: ['short'] }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['maxInFlight', { maxInFlight: 0 }],
  ['maxBodyBytes', { maxBodyBytes: 10 }],
  ['leaseMs', { leaseMs: 1.5 }],
  ['userAgent', { userAgent: 'a\r\nb' }],
  ['network.httpsOnly', { network: { httpsOnly: 'yes' as never } }],
  ['retentionDays', { retentionDays: 0 }],
  ['render', { render: 'File.*' as never }],
  ["render['File.*']", { render: { 'File.*': 1 as never } }],
  ['render', { render: { 'File.Down*': () => 1 } }],
  ['renderTimeoutMs', { renderTimeoutMs: 0 }],
  ['renderRetry.maxAttempts', { renderRetry: { maxAttempts: 0 } }],
  ['payloadVersions', { payloadVersions: ['v1', 'v1'] }],
  ['defaultPayloadVersion', { payloadVersions: ['v1'], defaultPayloadVersion: 'v2' }],
  ['cloudEventSource', { cloudEventSource: 'not a reference' }],
  ['validate', { validate: 'yes' as never }],
  ['canReceive', { canReceive: true as never }],
  ['verifyOwnership', { verifyOwnership: 'yes' as never }],
  ['engine', { engine: {} as never }],
])('names the option %s when its value is wrong', async (name, options) => {
  await using host = await openHost()
  expect(() => createWebhookSender({ engine: host.engine, encryptionKey, ...options })).toThrow(
    `options.${name}`,
  )
})

itOnEach('does not start on a database that was not migrated', async () => {
  await using host = await openHost()
  await host.run('delete from xe_webhook_migration')
  await expect(host.sender.start()).rejects.toMatchObject({ code: 'not_migrated' })
})

it.each([
  [{ tenantId: 1, limit: 0 }],
  [{ tenantId: 1, limit: 251 }],
  [{ tenantId: 1, state: 'lost' as never }],
  [{ tenantId: 1, before: 'dlv_x' }],
])('refuses the query %j', async (query) => {
  await using host = await openHost()
  await expect(host.sender.deliveries.list(query)).rejects.toMatchObject({ code: 'invalid_argument' })
})

it('allows a tenant so many endpoints, and others as many', async () => {
  await using host = await openHost({ maxEndpointsPerTenant: 2 })
  const { create, delete: remove } = host.sender.endpoints
  const { endpoint } = await create({ tenantId: 1, url })
  await create({ tenantId: 1, url })
  await expect(create({ tenantId: 1, url })).rejects.toMatchObject({ code: 'too_many_endpoints' })
  await create({ tenantId: 2, url })
  await remove(endpoint.id)
  await create({ tenantId: 1, url })
})
