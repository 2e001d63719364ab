import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createEventEngine } from '@x/events-engine'
import { createWebhookSender } from '@x/sender'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { Client } from 'pg'
import { expect, it } from 'vitest'
import { examplesFolder } from '../../scripts/doc-examples.ts'
import { root } from '../../scripts/setup/paths.mjs'
import { openHost } from './host.ts'

const idsOf = (requests: readonly { readonly rawBody: Buffer }[]) =>
  requests.map(({ rawBody }) => JSON.parse(rawBody.toString()).data.entityId as number)

async function move(file: string, url: string): Promise<{ status: number | null; output: string }> {
  // Where its imports are found, as they are beside a host.
  const folder = join(examplesFolder, 'production')
  await mkdir(folder, { recursive: true })
  await copyFile(join(root, 'docs/production/move-to-postgresql.mjs'), join(folder, 'move-to-postgresql.mjs'))
  const child = spawn(process.execPath, [join(folder, 'move-to-postgresql.mjs'), file, url])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null }))
  // Others use the server meanwhile.
  const others = new Client({ connectionString: url })
  await others.connect()
  while (child.exitCode === null && child.signalCode === null)
    await others.query('select pg_current_xact_id()')
  await others.end()
  return { ...(await ended), output }
}

it('moves events, subscriptions, endpoints and pending deliveries, and goes on where the host has stopped', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  await using consumer = await testConsumer()
  await using fragile = await testConsumer()
  await using target = await postgresDatabase<object>()
  let endpointIds: string[]
  let secrets: string[]
  {
    await using host = await openHost(file)
    const { endpoints } = host.sender
    const good = await endpoints.create({ tenantId: 1, url: consumer.url, description: 'Größe' })
    const broken = await endpoints.create({ tenantId: 1, url: fragile.url, ordering: 'fifo' })
    const off = await endpoints.create({ tenantId: 2, url: consumer.url })
    endpointIds = [good.endpoint.id, broken.endpoint.id, off.endpoint.id]
    secrets = [good.secret, broken.secret, off.secret]
    await endpoints.disable(off.endpoint.id)
    fragile.answer(500)
    await host.raise(1, 2, 3)
    await consumer.received(3)
    await fragile.received(1)
    // What the subscription has not handled by the time of the move.
    await host.engine.subscriptions.pause('audit')
    await waitFor(async () => {
      const all = await host.engine.subscriptions.list()
      return all.find(({ name }) => name === 'audit')?.leasedBy === undefined
    }, 'the pause')
    await host.raise(4)
    await consumer.received(4)
  }
  const handledBefore = 3

  // The new database has tables of the same version, and nothing else.
  const engine = createEventEngine({ db: target.db })
  await createWebhookSender({ engine, encryptionKey: Buffer.alloc(32, 5) }).migrate()
  const first = await move(file, target.url)
  expect(first.status, first.output).toBe(0)
  expect(first.output).toMatch(/xe_sync_event: 4 rows/)
  const second = await move(file, target.url)
  expect(second.status).not.toBe(0)
  expect(second.output).toMatch(/xe_sync_event has rows already/)

  fragile.answer(204)
  await using host = await openHost(target.url)
  await host.engine.subscriptions.resume('audit')
  await host.raise(5)
  const delivered = await waitFor(() => {
    const ids = idsOf(fragile.requests)
    return ids.includes(5) && ids
  }, 'what was pending')
  // Attempts that failed come first; then each in its order.
  expect(delivered.slice(-5)).toEqual([1, 2, 3, 4, 5])
  await consumer.received(5)
  expect(idsOf(consumer.requests)).toEqual([1, 2, 3, 4, 5])
  await waitFor(() => host.handled.length >= 2, 'what was not handled')
  expect(host.handled.map(({ entityId }) => entityId)).toEqual([4, 5])
  expect(host.handled[0]?.data).toEqual({ id: 4, name: 'Übergröße 😀', exact: 0.1, list: [1, null] })
  expect(handledBefore + host.handled.length).toBe(5)

  for (const [index, id] of endpointIds.entries()) {
    const [current] = await host.sender.endpoints.secrets(id)
    expect(current?.secret).toBe(secrets[index])
  }
  expect((await host.sender.endpoints.get(endpointIds[0] ?? '')).description).toBe('Größe')
  expect((await host.sender.endpoints.get(endpointIds[2] ?? '')).enabled).toBe(false)
  // A response is recorded a moment after it has come.
  await host.sender.drain()
  expect(await host.sender.deliveries.list({ tenantId: 1, state: 'succeeded' })).toHaveLength(10)
})

it('refuses another version of the tables, and changes nothing', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  {
    await using host = await openHost(file)
    await host.raise(1)
  }
  await using target = await postgresDatabase<object>()
  const engine = createEventEngine({ db: target.db })
  await createWebhookSender({ engine, encryptionKey: Buffer.alloc(32, 5) }).migrate()
  await target.pool.query(`insert into xe_migration (name, timestamp) values ('9999_later', '')`)
  const { status, output } = await move(file, target.url)
  expect(status).not.toBe(0)
  expect(output).toMatch(/xe_migration differs: .*0001_event_log.* in SQLite, .*9999_later in PostgreSQL/)
  const { rows } = await target.pool.query('select count(*)::int as count from xe_sync_event')
  expect(rows).toEqual([{ count: 0 }])
})
