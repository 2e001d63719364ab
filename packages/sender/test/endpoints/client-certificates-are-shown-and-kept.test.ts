import { createPrivateKey, randomBytes } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { waitFor } from '@x/testkit'
import { type TestCertificate, testAuthority } from '@x/testkit/certificates'
import { expect, it as testOnce } from 'vitest'
import type { ClientCertificateInput } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { encryptionKey, openHost, site, startHost } from '../open-host.ts'
import { rawServer } from '../raw-server.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const authority = await testAuthority()
const server = await authority.issue()
const alice = await authority.issue({ subject: 'CN=alice, O=Host' })
const bob = await authority.issue({ subject: 'CN=bob, O=Host' })
const network = { allow: ['127.0.0.0/8'], ca: authority.ca }

/** The same key, locked with a passphrase. */
const locked = ({ cert, key }: TestCertificate, passphrase: string) => ({
  cert,
  key: createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  }) as string,
  passphrase,
})

/** A consumer that speaks to nobody who shows no certificate of the authority. */
async function demandingServer() {
  const seen: string[] = []
  const raw = await rawServer(
    (socket) => {
      seen.push((socket as TLSSocket).getPeerCertificate().subject.CN as string)
      socket.write(OK)
    },
    { ...server, ca: authority.ca, requestCert: true, rejectUnauthorized: true },
  )
  return { url: raw.url, seen, [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose]() }
}

it('shows each endpoint’s own to a consumer that demands one', async () => {
  await using consumer = await demandingServer()
  await using host = await startHost({ network })
  const create = (clientCertificate?: ClientCertificateInput) =>
    host.sender.endpoints.create({ tenantId: 1, url: consumer.url, clientCertificate })
  await create(alice)
  await create(locked(bob, 'open sesame'))
  const { endpoint: bare } = await create()
  for (let id = 0; id < 2; id++) await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Create')
  await host.sender.drain()
  expect(consumer.seen.sort()).toEqual(['alice', 'alice', 'bob', 'bob'])
  const refused = await host.sender.deliveries.list({ tenantId: 1, endpointId: bare.id })
  for (const { lastErrorCode } of refused) {
    // The consumer says why, or just closes the connection: whichever is read first.
    expect(lastErrorCode).toMatch(/^(tls_failure|connection_lost)$/)
  }
})

it('shows another one, or none, as soon as the endpoint has it', async () => {
  await using consumer = await demandingServer()
  await using host = await startHost({ network })
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    clientCertificate: alice,
  })
  const deliver = async (id: number) => {
    await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Create')
    await host.sender.drain()
  }
  await deliver(1)
  const changed = await host.sender.endpoints.update(endpoint.id, { clientCertificate: bob })
  expect(changed.version).toBeGreaterThan(endpoint.version)
  await deliver(2)
  // What an update does not name stays.
  await host.sender.endpoints.update(endpoint.id, { description: 'still bob' })
  await deliver(3)
  expect(consumer.seen).toEqual(['alice', 'bob', 'bob'])
  const without = await host.sender.endpoints.update(endpoint.id, { clientCertificate: null })
  expect(without).not.toHaveProperty('clientCertificate')
  await deliver(4)
  expect(consumer.seen).toHaveLength(3)
})

it('is tried with another one, or without, before that is saved', async () => {
  await using consumer = await demandingServer()
  await using host = await openHost({ network })
  const input = { tenantId: 1, url: consumer.url, clientCertificate: alice }
  const { endpoint } = await host.sender.endpoints.create(input)
  const tryWith = async (changes: object) => {
    const { succeeded } = await host.sender.endpoints.tryOut({
      tenantId: 1,
      endpointId: endpoint.id,
      ...changes,
    })
    return succeeded
  }
  expect(await tryWith({})).toBe(true)
  expect(await tryWith({ clientCertificate: bob })).toBe(true)
  expect(await tryWith({ clientCertificate: null })).toBe(false)
  expect(consumer.seen).toEqual(['alice', 'bob'])
  expect(await host.sender.endpoints.get(endpoint.id)).toEqual(endpoint)
})

it('tells whose it is and until when, and its key to nobody', async () => {
  await using host = await openHost({ network })
  const clientCertificate = locked(alice, 'open sesame')
  const input = { tenantId: 1, url: 'https://127.0.0.1/', clientCertificate }
  const { endpoint } = await host.sender.endpoints.create(input)
  expect(endpoint.clientCertificate).toEqual({
    subject: expect.stringContaining('CN=alice'),
    fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    expiresOn: expect.any(Date),
  })
  const [listed] = await host.sender.endpoints.list({ tenantId: 1 })
  expect(listed).toEqual(endpoint)
  expect(await host.sender.endpoints.get(endpoint.id)).toEqual(endpoint)
  const stored = () => host.run<object>('select * from xe_webhook_certificate')
  const rows = await stored()
  expect(rows).toHaveLength(1)
  expect(JSON.stringify([rows, endpoint])).not.toMatch(/PRIVATE KEY|BEGIN CERT|sesame/)
  await host.sender.endpoints.delete(endpoint.id)
  expect(await stored()).toEqual([])
})

it('moves to another encryption key with the secrets', async () => {
  await using consumer = await demandingServer()
  await using host = await openHost({ network })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, clientCertificate: alice })
  const key = randomBytes(32)
  await using both = await host.openAnother({ encryptionKey: key, previousEncryptionKeys: [encryptionKey] })
  expect(await both.sender.reencryptSecrets()).toBe(2)
  expect(await both.sender.reencryptSecrets()).toBe(0)
  await using later = await host.openAnother({ encryptionKey: key })
  await later.start()
  await later.engine.syncManager.addSyncEvent(site, 'File', 1, 'Create')
  await waitFor(() => consumer.seen.length === 1, 'the delivery')
  expect(consumer.seen).toEqual(['alice'])
})

const expired = await authority.issue({ expired: true })
const hush = 'hush-hush'
testOnce.each<[string, string, unknown]>([
  ['clientCertificate', 'no object', 'text'],
  ['clientCertificate.cert', 'no certificate', { cert: hush, key: alice.key }],
  ['clientCertificate.cert', 'none at all', { key: alice.key }],
  ['clientCertificate.cert', 'too much', { cert: 'x'.repeat(40_000), key: alice.key }],
  ['clientCertificate.cert', 'one that has expired', expired],
  ['clientCertificate.key', 'the key of another', { cert: alice.cert, key: bob.key }],
  ['clientCertificate.key', 'no key', { cert: alice.cert, key: hush }],
  ['clientCertificate.key', 'the wrong passphrase', { ...locked(alice, 'sesame'), passphrase: hush }],
  ['clientCertificate.key', 'no passphrase', { ...locked(alice, 'sesame'), passphrase: undefined }],
  ['clientCertificate.passphrase', 'a number', { ...alice, passphrase: 7 }],
])('refuses %s that is %s, and shows nothing of it', async (field, _what, given) => {
  await using host = await openHost({ network })
  const clientCertificate = given as ClientCertificateInput
  const url = 'https://127.0.0.1/'
  const creating = host.sender.endpoints.create({ tenantId: 1, url, clientCertificate })
  await expect(creating).rejects.toMatchObject({ code: 'invalid_certificate', field })
  await expect(creating).rejects.not.toThrow(/hush|sesame|BEGIN/)
  expect(await host.sender.endpoints.list({ tenantId: 1 })).toEqual([])
})

testOnce('refuses one for a URL that it would never be shown to', async () => {
  await using host = await openHost({ network })
  const input = { tenantId: 1, url: 'http://127.0.0.1/', clientCertificate: alice }
  await expect(host.sender.endpoints.create(input)).rejects.toMatchObject({
    code: 'invalid_certificate',
    field: 'clientCertificate',
  })
})
