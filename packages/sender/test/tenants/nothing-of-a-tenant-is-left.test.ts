import { existsSync, readFileSync } from 'node:fs'
import { ALL_TENANTS } from '@x/events-core'
import { findText, startProcess, testConsumer, waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { expect, it as once } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { encryptionKey, type OpenHost, openHost, startHost } from '../open-host.ts'
import type { PurgingHostOptions } from '../processes/purging-host.ts'

/** What only one tenant's rows contain. */
const SECRET = 'marble-otter-7261'
const forgotten = 1
const kept = 2

const raise = (host: OpenHost, tenantId: number, entityId: number | string) =>
  host.engine.syncManager.addSyncEvent({ tenantId, siteId: 1 }, 'File', entityId, 'Update', {
    data: { text: tenantId === forgotten ? SECRET : `of tenant ${tenantId}` },
  })

/** Endpoints of a tenant that do well, badly, and not at all, whose every text is the tenant's own. */
async function fill(host: OpenHost, tenantId: number, urls: readonly string[], text: string): Promise<void> {
  const { endpoints, deliveries } = host.sender
  for (const [index, url] of urls.entries()) {
    const { endpoint } = await endpoints.create({
      tenantId,
      url: `${url}/${text}`,
      description: text,
      headers: { 'x-tenant': text },
      metadata: { text },
      eventTypes: ['File.*', `${text}.*`],
      ordering: index === 1 ? { by: 'entity' } : 'none',
    })
    await endpoints.rotateSecret(endpoint.id)
  }
  for (const id of [1, 2, text]) await raise(host, tenantId, id)
  await raise(host, ALL_TENANTS, 4)
  await host.sender.drain()
  const [, badly] = await endpoints.list({ tenantId })
  if (badly) await deliveries.replay(badly.id, { since: new Date(0) })
  await host.sender.sendTest((await endpoints.list({ tenantId }))[0]?.id ?? '')
  await host.sender.drain()
}

it('leaves no text of a tenant in any table, and everything of the others', async () => {
  await using host = await startHost({
    retrySchedule: [0, 3_600],
    render: (event) => {
      if (event.tenantId === forgotten && event.entityId === SECRET) throw new Error(`not ${SECRET}`)
      return { entity: event.data ?? null }
    },
  })
  await using well = await testConsumer()
  await using badly = await testConsumer()
  badly.answer(() => ({ status: 500, body: `no ${SECRET}` }))
  await fill(host, kept, [well.url], 'of-another')
  const others = async () => ({
    endpoints: await host.sender.endpoints.list({ tenantId: kept }),
    deliveries: await host.sender.deliveries.list({ tenantId: kept }),
    found: await findText(host.db, 'of-another'),
  })
  await fill(host, forgotten, [well.url, badly.url], SECRET)
  const before = await others()
  const found = await findText(host.db, SECRET)
  expect(found).toEqual(
    expect.arrayContaining([
      'xe_parked_event.error',
      'xe_sync_event.data',
      'xe_webhook_attempt.response_body',
      'xe_webhook_attempt.url',
      'xe_webhook_endpoint.description',
      'xe_webhook_endpoint.event_types',
      'xe_webhook_endpoint.headers',
      'xe_webhook_endpoint.metadata',
      'xe_webhook_endpoint.url',
      'xe_webhook_message.body',
    ]),
  )
  const purged = await host.sender.purgeTenant(forgotten)
  expect(purged.endpoints).toBe(2)
  expect(await findText(host.db, SECRET)).toEqual([])
  expect(await others()).toEqual(before)
  for (const table of await tablesWithTenants(host)) {
    const [row] = await host.run<{ count: number }>(
      `select count(*) as count from ${table} where tenant_id = ${forgotten}`,
    )
    expect([table, Number(row?.count)]).toEqual([table, 0])
  }
  // Others go on.
  await raise(host, kept, 9)
  await host.sender.drain()
  expect(await host.sender.deliveries.list({ tenantId: kept, state: 'succeeded' })).toHaveLength(
    before.deliveries.length + 1,
  )
})

it('leaves no key, number or message of an endpoint that was only read', async () => {
  await using host = await startHost()
  for (const tenantId of [forgotten, kept]) {
    const { endpoint } = await host.sender.endpoints.create({ tenantId, url: null })
    await host.sender.endpoints.createKey(endpoint.id)
    await raise(host, tenantId, 1)
  }
  await host.sender.drain()
  const countsOf = () =>
    Promise.all(
      ['api_key', 'sequence', 'message', 'delivery'].map(async (table) => {
        const [row] = await host.run<{ count: number }>(`select count(*) as count from xe_webhook_${table}`)
        return Number(row?.count)
      }),
    )
  expect(await countsOf()).toEqual([2, 2, 2, 2])
  await host.sender.purgeTenant(forgotten)
  expect(await countsOf()).toEqual([1, 1, 1, 1])
})

it('leaves no alert, sent or waiting, and nobody who would be told', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using consumer = await testConsumer()
  await using chat = await testConsumer()
  consumer.answer(400)
  const { alerts, endpoints } = host.sender
  for (const tenantId of [forgotten, kept]) {
    const to = [{ kind: 'slack', url: `${chat.url}/${tenantId}` }] as const
    await alerts.update({ tenantId, on: ['exhausted'], to })
    await endpoints.create({ tenantId, url: consumer.url })
    await raise(host, tenantId, 1)
  }
  const rows = (where: string) =>
    host.run<{ tenant_id: number }>(
      `select tenant_id from xe_webhook_alert where ${where} order by tenant_id`,
    )
  const tenants = async (where: string) => (await rows(where)).map(({ tenant_id: id }) => Number(id))
  await chat.received(2)
  await waitFor(async () => (await tenants('told_on > 0')).length === 2, 'both to be told')
  // The next ones wait for the end of the quiet period.
  for (const tenantId of [forgotten, kept]) await raise(host, tenantId, 2)
  await waitFor(async () => (await tenants('due_on is not null')).length === 2, 'both to wait')

  await host.sender.purgeTenant(forgotten)
  expect(await tenants('due_on is not null')).toEqual([kept])
  expect(await alerts.get({ tenantId: forgotten })).toMatchObject({ on: [], to: [] })
  expect(await alerts.get({ tenantId: kept })).toMatchObject({ on: ['exhausted'], to: [{ kind: 'slack' }] })
  await host.run('update xe_webhook_alert set due_on = 0')
  await chat.received(3)
  await waitFor(async () => (await tenants('due_on is not null')).length === 0, 'the alert to be ended')
  expect(chat.requests.map(({ path }) => path).filter((path) => path.endsWith(`/${forgotten}`))).toHaveLength(
    1,
  )
})

it('stores nothing of events that are being fanned out while their tenant is purged', async () => {
  let rendering = () => {}
  const begun = Promise.withResolvers<void>()
  const released = new Promise<void>((resolve) => {
    rendering = resolve
  })
  await using host = await startHost({
    async render(event) {
      if (event.tenantId === forgotten) {
        begun.resolve()
        await released
      }
      return { entity: event.data ?? null }
    },
  })
  await using consumer = await testConsumer()
  for (const tenantId of [forgotten, kept])
    await host.sender.endpoints.create({ tenantId, url: consumer.url })
  await raise(host, forgotten, 1)
  await begun.promise
  const purging = host.sender.purgeTenant(forgotten)
  await purging
  rendering()
  await raise(host, kept, 2)
  await host.sender.drain()
  await waitFor(() => consumer.requests.length === 1, "the other tenant's webhook")
  expect(await findText(host.db, SECRET)).toEqual([])
  expect(await host.run('select * from xe_webhook_message where tenant_id = 1')).toEqual([])
})

it('may be begun in two processes at once', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  for (let index = 0; index < 3; index++) {
    await host.sender.endpoints.create({ tenantId: forgotten, url: consumer.url })
  }
  await host.engine.transaction(async ({ raise: add }) => {
    for (let id = 0; id < 2_000; id++) await add({ tenantId: forgotten, siteId: 1 }, 'File', id, 'Update')
  })
  await host.sender.drain()
  await using other = purgeElsewhere(host)
  const begun = async () => (await countOf(host, 'sync_event')) < 2_000
  await waitFor(begun, `the other process to begin; ${other.errors}`)
  await host.sender.purgeTenant(forgotten)
  await waitFor(() => other.lines.includes('purged'), `the other process; ${other.errors}`)
  for (const table of [
    'sync_event',
    'webhook_message',
    'webhook_delivery',
    'webhook_attempt',
    'webhook_endpoint',
  ]) {
    expect([table, await countOf(host, table)]).toEqual([table, 0])
  }
}, 240_000)

it('is finished by the next call when its process was killed in the middle', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  await host.start()
  await host.sender.endpoints.create({ tenantId: forgotten, url: `${consumer.url}/${SECRET}` })
  await host.sender.endpoints.create({ tenantId: kept, url: consumer.url })
  for (const tenantId of [forgotten, kept]) {
    const count = tenantId === forgotten ? 4_000 : 20
    await host.engine.transaction(async ({ raise: add }) => {
      for (let id = 0; id < count; id++) {
        await add({ tenantId, siteId: 1 }, 'File', id, 'Update', { data: { text: `${SECRET} ${tenantId}` } })
      }
    })
  }
  await host.sender.drain()
  await host.sender.stop()
  for (const table of ['sync_event', 'webhook_delivery']) {
    const whole = await countOf(host, table)
    // On a busy machine, the first purge may have ended before it was killed.
    if (whole === 20) break
    await using node = purgeElsewhere(host)
    await waitFor(
      async () => (await countOf(host, table)) < whole,
      `the purge of ${table} to begin; ${node.errors}`,
    )
    await node.kill()
  }
  await host.sender.start()
  const { endpoints } = await host.sender.purgeTenant(forgotten)
  expect(endpoints).toBeLessThanOrEqual(1)
  expect(await findText(host.db, `${SECRET} ${forgotten}`)).toEqual([])
  expect(await countOf(host, 'webhook_delivery')).toBe(20)
  expect(await countOf(host, 'sync_event')).toBe(20)
  await raise(host, kept, 9)
  await host.sender.drain()
  expect(await countOf(host, 'webhook_delivery')).toBe(21)
}, 240_000)

once('overwrites what it deletes in a SQLite file', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await fill(host, forgotten, [consumer.url, consumer.url], SECRET)
  await fill(host, kept, [consumer.url], 'of-another')
  const file = host.file ?? ''
  const bytes = () => {
    const database = new Database(file)
    database.pragma('wal_checkpoint(truncate)')
    database.close()
    return Buffer.concat([file, `${file}-wal`].filter(existsSync).map((one) => readFileSync(one)))
  }
  expect(bytes().includes(SECRET)).toBe(true)
  await host.sender.purgeTenant(forgotten)
  // What earlier changes of rows have left in pages, VACUUM takes away.
  await host.run('vacuum')
  expect(bytes().includes(SECRET)).toBe(false)
})

/** Purges in a process of its own, until it is killed. */
function purgeElsewhere(host: OpenHost) {
  const options: PurgingHostOptions = {
    file: host.file,
    url: host.url,
    encryptionKey: encryptionKey.toString('hex'),
    tenantId: forgotten,
  }
  const program = new URL('../processes/purging-host.ts', import.meta.url)
  return startProcess(program, JSON.stringify(options))
}

async function countOf(host: OpenHost, table: string): Promise<number> {
  const [row] = await host.run<{ count: number }>(`select count(*) as count from xe_${table}`)
  return Number(row?.count)
}

async function tablesWithTenants(host: OpenHost): Promise<string[]> {
  const rows = await host.run<{ name: string }>(
    testDialect() === 'postgres'
      ? `select table_name as name from information_schema.columns where column_name = 'tenant_id'`
      : `select t.name from sqlite_schema t join pragma_table_info(t.name) c where c.name = 'tenant_id'`,
  )
  expect(rows.length).toBeGreaterThan(3)
  return rows.map(({ name }) => name)
}
