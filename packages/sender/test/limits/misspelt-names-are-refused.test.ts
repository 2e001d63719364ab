import { describe, expect } from 'vitest'
import {
  createEventsApi,
  createKeysHandler,
  createWebhookSender,
  type WebhookSender,
} from '../../src/index.ts'
import { it } from '../each-database.ts'
import { encryptionKey, openHost } from '../open-host.ts'

const site = { tenantId: 1 }
const url = 'http://127.0.0.1:9999/hook'
const since = new Date(0)

type Call = (sender: WebhookSender, endpointId: string, given: never) => unknown
/** What each call takes, and how it is given. */
const CALLS: Readonly<Record<string, readonly [valid: object, call: Call]>> = {
  'endpoints.create': [{ ...site, url }, ({ endpoints }, _, given) => endpoints.create(given)],
  'endpoints.create, by': [
    { actor: 'ada' },
    ({ endpoints }, _, given) => endpoints.create({ ...site, url }, given),
  ],
  'endpoints.get': [site, ({ endpoints }, id, given) => endpoints.get(id, given)],
  'endpoints.update': [{ description: 'x' }, ({ endpoints }, id, given) => endpoints.update(id, given)],
  'endpoints.update, scope': [site, ({ endpoints }, id, given) => endpoints.update(id, {}, given)],
  'endpoints.enable': [site, ({ endpoints }, id, given) => endpoints.enable(id, given)],
  'endpoints.rotateSecret': [
    { ...site, overlapSeconds: 5 },
    ({ endpoints }, id, given) => endpoints.rotateSecret(id, given),
  ],
  'endpoints.secrets': [site, ({ endpoints }, id, given) => endpoints.secrets(id, given)],
  'endpoints.publicKey': [site, ({ endpoints }, id, given) => endpoints.publicKey(id, given)],
  'endpoints.health': [site, ({ endpoints }, id, given) => endpoints.health(id, given)],
  'endpoints.summaries': [site, ({ endpoints }, id, given) => endpoints.summaries([id], given)],
  'endpoints.list': [site, ({ endpoints }, _, given) => endpoints.list(given)],
  'endpoints.listKeys': [site, ({ endpoints }, id, given) => endpoints.listKeys(id, given)],
  'endpoints.statistics': [{ ...site, since }, ({ endpoints }, id, given) => endpoints.statistics(id, given)],
  'endpoints.testFilter': [{ ...site, filter: {} }, ({ endpoints }, _, given) => endpoints.testFilter(given)],
  'deliveries.list': [site, ({ deliveries }, _, given) => deliveries.list(given)],
  'deliveries.search': [site, ({ deliveries }, _, given) => deliveries.search(given)],
  'deliveries.count': [site, ({ deliveries }, _, given) => deliveries.count(given)],
  'deliveries.cancelMany': [site, ({ deliveries }, _, given) => deliveries.cancelMany(given)],
  'deliveries.resendMany': [site, ({ deliveries }, _, given) => deliveries.resendMany(given)],
  'deliveries.cancelPending': [site, ({ deliveries }, id, given) => deliveries.cancelPending(id, given)],
  'deliveries.recover': [{ ...site, since }, ({ deliveries }, id, given) => deliveries.recover(id, given)],
  'deliveries.replay': [{ ...site, since }, ({ deliveries }, id, given) => deliveries.replay(id, given)],
  'messages.pull': [site, ({ messages }, id, given) => messages.pull(id, given)],
  'events.find': [site, ({ events }, _, given) => events.find(given)],
  'jobs.list': [site, ({ jobs }, _, given) => jobs.list(given)],
  'auditLog.list': [site, ({ auditLog }, _, given) => auditLog.list(given)],
  'alerts.get': [site, ({ alerts }, _, given) => alerts.get(given)],
  'alerts.update': [{ ...site, quietSeconds: 5 }, ({ alerts }, _, given) => alerts.update(given)],
  'alerts.test': [site, ({ alerts }, _, given) => alerts.test(given)],
  'eventTypes.list': [{ builtIn: true }, ({ eventTypes }, _, given) => eventTypes.list(given)],
  'eventTypes.openApi': [
    { title: 'x', version: '1' },
    ({ eventTypes }, _, given) => eventTypes.openApi(given),
  ],
  statistics: [{ ...site, since }, (sender, _, given) => sender.statistics(given)],
  sendTest: [site, (sender, id, given) => sender.sendTest(id, given)],
}
/** What is no object of names and values. */
const OTHERS = [null, 5, 'tenantId', [site], new Map(), new Headers(), true]

describe('what is given to a call', () => {
  it('is refused where a name is misspelt, or where it is no object', async () => {
    await using host = await openHost()
    const { endpoint } = await host.sender.endpoints.create({ ...site, url, sequence: true })
    const before = await host.run('select count(*) as count from xe_webhook_audit_log')
    for (const [name, [valid, call]] of Object.entries(CALLS)) {
      const given = async (value: unknown) => call(host.sender, endpoint.id, value as never)
      const code =
        name.endsWith('.create') || name.endsWith('.update')
          ? /^invalid_(endpoint|argument)$/
          : /^invalid_argument$/
      await expect(given({ ...valid, misspelt: 1 }), name).rejects.toMatchObject({
        code: expect.stringMatching(code),
        message: expect.stringMatching(/misspelt must be left out.*there are \w+/),
        field: 'misspelt',
      })
      for (const other of OTHERS) {
        await expect(given(other), `${name} of ${other}`).rejects.toMatchObject({
          code: expect.stringMatching(code),
          message: expect.stringMatching(/must be a plain object; got/),
        })
      }
    }
    expect(await host.run('select count(*) as count from xe_webhook_audit_log')).toEqual(before)
  })

  it('is taken where every name is known', async () => {
    await using host = await openHost()
    await host.start()
    const { endpoint } = await host.sender.endpoints.create({ ...site, url, sequence: true })
    for (const [name, [valid, call]] of Object.entries(CALLS)) {
      await expect(
        Promise.resolve(call(host.sender, endpoint.id, valid as never)),
        name,
      ).resolves.not.toThrow()
    }
  })

  it('opens the endpoint of no other tenant where the tenant is misspelt', async () => {
    await using host = await openHost()
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 2, url, sequence: true })
    for (const scope of [{ tenantID: 1 }, { tenantId: undefined }]) {
      const refused = { code: 'invalid_argument' }
      await expect(host.sender.sendTest(endpoint.id, scope as never)).rejects.toMatchObject(refused)
      await expect(host.sender.messages.pull(endpoint.id, scope as never)).rejects.toMatchObject(refused)
    }
  })

  it('names the member of an endpoint that is misspelt', async () => {
    await using host = await openHost()
    const { endpoints } = host.sender
    for (const [field, given] of [
      ['concurrency.maximum', { concurrency: { maximum: 3 } }],
      ['rateLimit.perMinute', { rateLimit: { limit: 1, perSeconds: 5, perMinute: 1 } }],
      ['ordering', { ordering: { by: 'entity', also: 'tenant' } }],
    ] as const) {
      await expect(endpoints.create({ ...site, url, ...given } as never), field).rejects.toMatchObject({
        code: 'invalid_endpoint',
        field,
      })
    }
  })
})

describe('options', () => {
  const OPTIONS = ['network', 'telemetry', 'circuit', 'failingAfter', 'renderRetry', 'alerts', 'orderingKeys']

  it('are refused where a name is misspelt, or where they are no object', async () => {
    await using host = await openHost()
    const base = { engine: host.engine, encryptionKey }
    const create = (options: unknown) => () => createWebhookSender(options as never)
    const refused = expect.objectContaining({ code: 'invalid_option' })
    for (const other of [undefined, ...OTHERS]) expect(create(other), `${other}`).toThrow(refused)
    expect(create({ ...base, retrySchedul: [0] })).toThrow(/options\.retrySchedul must be left out/)
    for (const name of OPTIONS) {
      for (const other of OTHERS)
        expect(create({ ...base, [name]: other }), `${name}: ${other}`).toThrow(refused)
      expect(create({ ...base, [name]: { misspelt: 1 } }), name).toThrow(
        name === 'orderingKeys'
          ? /orderingKeys\.misspelt must be a function/
          : new RegExp(`options\\.${name}\\.misspelt must be left out`),
      )
    }
    for (const name of ['deliver', 'retrySchedule', 'maxInFlight', 'render', 'userAgent', 'alerts'])
      expect(create({ ...base, [name]: null }), name).toThrow(/must be other than null; got null/)
    for (const [name, value] of Object.entries({
      previousEncryptionKeys: 'a'.repeat(64),
      payloadVersions: 5,
      userAgent: 7,
      cloudEventSource: ['/'],
      render: new Map(),
      network: { allow: '10.0.0.0/8' },
      engine: { subscribe: 1 },
    })) {
      expect(create({ ...base, [name]: value }), name).toThrow(refused)
    }
  })

  it('are refused by the other functions in the same way', async () => {
    await using host = await openHost()
    for (const create of [createEventsApi, createKeysHandler] as readonly ((options: never) => unknown)[]) {
      for (const other of [undefined, ...OTHERS, {}, { sender: {} }, { sender: host.sender, misspelt: 1 }]) {
        const refused = expect.objectContaining({ code: 'invalid_option' })
        expect(() => create(other as never), `${create.name} of ${other}`).toThrow(refused)
      }
      expect(create({ sender: host.sender } as never)).toBeTruthy()
    }
  })
})
