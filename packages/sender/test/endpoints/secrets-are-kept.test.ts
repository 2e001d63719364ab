import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { generateSecret } from '@x/signature'
import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'
import { createWebhookSender, WebhookSenderError } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { encryptionKey, openHost, recordingLogger, site, startHost } from '../open-host.ts'

it('encrypts secrets at rest, and shows them nowhere else', async () => {
  const logger = recordingLogger()
  await using host = await startHost({ engine: { logger } })
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  const { endpoint, secret } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const own = generateSecret()
  await endpoints.create({ tenantId: 1, url: consumer.url, secret: own })
  consumer.answer(500)
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await host.sender.drain()

  const tables = ['endpoint', 'secret', 'message', 'delivery', 'attempt', 'queue']
  const rows = await Promise.all(tables.map((table) => host.run(`select * from xe_webhook_${table}`)))
  if (host.file) await host.run('pragma wal_checkpoint(truncate)')
  const shown = [
    JSON.stringify(rows),
    host.file ? await readFile(host.file, 'latin1') : '',
    JSON.stringify(await endpoints.list({ tenantId: 1 })),
    JSON.stringify(await endpoints.get(endpoint.id)),
    JSON.stringify(await deliveries.list({ tenantId: 1 })),
    logger.messages.join('\n'),
  ].join('\n')
  for (const one of [secret, own]) {
    expect(shown).not.toContain(one.slice('whsec_'.length))
    expect(shown).not.toContain(Buffer.from(one.slice('whsec_'.length), 'base64').toString('latin1'))
  }
  expect(await endpoints.secrets(endpoint.id)).toEqual([{ secret, createdOn: expect.any(Date) }])
})

it('signs with old and new secret for as long as a rotation says', async () => {
  const clock = manualClock()
  await using host = await startHost({ engine: { clock } })
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint, secret: first } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const verifies = async (count: number, secret: string) => {
    const request = (await consumer.received(count))[count - 1]
    try {
      new Webhook(secret).verify(String(request?.rawBody), request?.headers as Record<string, string>)
      return true
    } catch {
      return false
    }
  }
  const raise = (id: number) => host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')

  await raise(1)
  expect(await verifies(1, first)).toBe(true)

  const { secret: second, endpoint: rotated } = await endpoints.rotateSecret(endpoint.id, {
    overlapSeconds: 60,
  })
  expect(rotated.version).toBe(endpoint.version + 1)
  expect(second).not.toBe(first)
  expect(await endpoints.secrets(endpoint.id)).toMatchObject([
    { secret: second },
    { secret: first, expiresOn: new Date(clock.now() + 60_000) },
  ])
  await raise(2)
  expect(await verifies(2, first)).toBe(true)
  expect(await verifies(2, second)).toBe(true)

  await clock.advance(60_000)
  await raise(3)
  expect(await verifies(3, first)).toBe(false)
  expect(await verifies(3, second)).toBe(true)
  expect(await endpoints.secrets(endpoint.id)).toMatchObject([{ secret: second }])
})

it('stops signing with a secret at once when a rotation leaves no overlap', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await consumer.received(1)
  const secret = generateSecret()
  await host.sender.endpoints.rotateSecret(endpoint.id, { overlapSeconds: 0, secret })
  await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Download')
  const [, request] = await consumer.received(2)
  expect(String(request?.headers['webhook-signature']).split(' ')).toHaveLength(1)
  const headers = request?.headers as Record<string, string>
  expect(() => new Webhook(secret).verify(String(request?.rawBody), headers)).not.toThrow()
})

it('drops no secret before its overlap ends, and refuses to sign with too many', async () => {
  const clock = manualClock()
  await using host = await startHost({ engine: { clock } })
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint, secret: first } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const { id } = endpoint
  for (let rotated = 1; rotated < 10; rotated++) {
    await endpoints.rotateSecret(id, { overlapSeconds: 3_600 })
    clock.jump(1_000)
  }
  const live = await endpoints.secrets(id)
  expect(live).toHaveLength(10)
  expect(live.at(-1)?.secret).toBe(first)

  const endsOn = live.at(-1)?.expiresOn as Date
  const { version } = await endpoints.get(id)
  for (const overlapSeconds of [3_600, 1]) {
    await expect(endpoints.rotateSecret(id, { overlapSeconds })).rejects.toMatchObject({
      code: 'too_many_secrets',
      field: 'overlapSeconds',
      message: expect.stringMatching(`${endsOn.toISOString()}.*overlapSeconds of 0`),
    })
  }
  expect(await endpoints.secrets(id)).toEqual(live)
  expect((await endpoints.get(id)).version).toBe(version)
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  const [request] = await consumer.received(1)
  const headers = request?.headers as Record<string, string>
  for (const { secret } of live)
    expect(() => new Webhook(secret).verify(String(request?.rawBody), headers)).not.toThrow()

  // Of those that two nodes add at once, one is too many.
  clock.jump(endsOn.getTime() - clock.now())
  const added = await Promise.allSettled([endpoints.rotateSecret(id), endpoints.rotateSecret(id)])
  expect(added.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await endpoints.secrets(id)).toHaveLength(10)

  const { secret: last } = await endpoints.rotateSecret(id, { overlapSeconds: 0 })
  expect(await endpoints.secrets(id)).toEqual([{ secret: last, createdOn: new Date(clock.now()) }])
})

it('signs once with a secret that is given again', async () => {
  const clock = manualClock()
  await using host = await startHost({ engine: { clock } })
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint, secret: first } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const second = generateSecret()
  for (const secret of [second, second, first, second, first])
    await endpoints.rotateSecret(endpoint.id, { secret, overlapSeconds: 60 })
  const expiresOn = new Date(clock.now() + 60_000)
  const createdOn = expect.any(Date)
  expect(await endpoints.secrets(endpoint.id)).toEqual([
    { secret: first, createdOn },
    { secret: second, createdOn, expiresOn },
  ])
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  const [request] = await consumer.received(1)
  expect(String(request?.headers['webhook-signature']).split(' ')).toHaveLength(2)

  await clock.advance(60_000)
  expect(await endpoints.secrets(endpoint.id)).toEqual([{ secret: first, createdOn }])
})

it('notices within a lease that another process has rotated', async () => {
  await using host = await startHost({ leaseMs: 150 })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await consumer.received(1)
  await using other = await host.openAnother()
  const { secret } = await other.sender.endpoints.rotateSecret(endpoint.id, { overlapSeconds: 0 })
  let raised = 1
  await waitFor(async () => {
    await host.engine.syncManager.addSyncEvent(site, 'File', ++raised, 'Download')
    const request = (await consumer.received(raised))[raised - 1]
    new Webhook(secret).verify(String(request?.rawBody), request?.headers as Record<string, string>)
    return true
  }, 'the new signature')
})

it.each([
  ['no secret', 'hmac', 'secret'],
  ['an empty one', 'hmac', 'whsec_'],
  ['a short one', 'hmac', `whsec_${Buffer.alloc(16).toString('base64')}`],
  ['a public key', 'ed25519', `whpk_${randomBytes(32).toString('base64')}`],
  ['the wrong kind', 'ed25519', generateSecret()],
] as const)('refuses to import %s, without showing it', async (_what, signature, secret) => {
  await using host = await openHost()
  const error = await host.sender.endpoints
    .create({ tenantId: 1, url: 'https://example.com', signature, secret })
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WebhookSenderError)
  expect(error).toMatchObject({ code: 'invalid_secret', field: 'secret' })
  if (secret.length > 10) expect(String((error as Error).message)).not.toContain(secret)
})

it.each([
  ['text that is too short', 'abc'],
  ['31 bytes', randomBytes(31)],
  ['nothing', undefined as never],
])('refuses %s as encryption key, without showing it', async (_what, key) => {
  await using host = await openHost()
  expect(() => createWebhookSender({ engine: host.engine, encryptionKey: key })).toThrow(
    /encryptionKey must be 32 bytes/,
  )
})

it('takes the key as bytes, hex or base64, and refuses to start with another one', async () => {
  await using host = await startHost()
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await host.sender.stop()
  for (const key of [encryptionKey, encryptionKey.toString('hex'), encryptionKey.toString('base64')]) {
    const same = createWebhookSender({ engine: host.engine, encryptionKey: key })
    await same.start()
    await same.stop()
  }
  const other = createWebhookSender({ engine: host.engine, encryptionKey: randomBytes(32) })
  await expect(other.start()).rejects.toMatchObject({ code: 'wrong_encryption_key' })
})

it('moves secrets to another key while it runs, and needs the old one no more', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoint, secret } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.sender.endpoints.rotateSecret(endpoint.id)
  const to = [{ kind: 'slack', url: `${consumer.url}/services/T1` }] as const
  await host.sender.alerts.update({ tenantId: 1, to })
  const encrypted = randomBytes(32)

  await using both = await host.openAnother({
    encryptionKey: encrypted,
    previousEncryptionKeys: [encryptionKey.toString('hex')],
  })
  await both.start()
  expect((await both.sender.endpoints.secrets(endpoint.id)).map((one) => one.secret)).toContain(secret)
  expect(await both.sender.reencryptSecrets()).toBe(3)
  expect(await both.sender.reencryptSecrets()).toBe(0)

  await using later = await host.openAnother({ encryptionKey: encrypted })
  await later.start()
  expect((await later.sender.endpoints.secrets(endpoint.id)).map((one) => one.secret)).toContain(secret)
  expect(await later.sender.alerts.test({ tenantId: 1 })).toMatchObject([{ succeeded: true }])
  expect(consumer.requests.at(-1)?.path).toBe('/hook/services/T1')
  await host.sender.stop()
  await expect(host.sender.start()).rejects.toMatchObject({ code: 'wrong_encryption_key' })
})
