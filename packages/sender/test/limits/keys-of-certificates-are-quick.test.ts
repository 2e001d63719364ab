import { createPrivateKey, generateKeyPairSync, type KeyExportOptions } from 'node:crypto'
import { testAuthority } from '@x/testkit/certificates'
import { expect, it } from 'vitest'
import { isQuicklyDecrypted } from '../../src/endpoints/encrypted-key.ts'
import { openHost } from '../open-host.ts'

const authority = await testAuthority()
const alice = await authority.issue({ subject: 'CN=alice' })
const passphrase = 'open sesame'

const encrypt = (pem: string) =>
  createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as KeyExportOptions<'pem'>)
    .toString()

const der = (tag: number, ...content: readonly Buffer[]): Buffer => {
  const bytes = Buffer.concat(content)
  const length = bytes.length < 128 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), bytes])
}
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const integer = (hex: string) => der(0x02, Buffer.from(hex, 'hex'))
const octets = (size: number) => der(0x04, Buffer.alloc(size))
const pem = (bytes: Buffer) =>
  `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`

/** A key encrypted by PBES2 with another way to make a key out of the passphrase. */
const encryptedBy = (derivation: Buffer) => {
  const aes256 = der(0x30, oid('60864801650304012a'), octets(16))
  return pem(der(0x30, der(0x30, oid('2a864886f70d01050d'), der(0x30, derivation, aes256)), octets(64)))
}
const pbkdf2 = (iterations: string) =>
  encryptedBy(der(0x30, oid('2a864886f70d01050c'), der(0x30, octets(8), integer(iterations))))
const scrypt = encryptedBy(
  der(0x30, oid('2b06010401da47040b'), der(0x30, octets(8), integer('4000'), integer('08'), integer('01'))),
)
/** PKCS #12's own, which has the iterations elsewhere. */
const pbeSha1 = (iterations: string) =>
  pem(
    der(0x30, der(0x30, oid('2a864886f70d010c0103'), der(0x30, octets(8), integer(iterations))), octets(64)),
  )

it('takes what OpenSSL makes', () => {
  expect(isQuicklyDecrypted(alice.key)).toBe(true)
  expect(isQuicklyDecrypted(encrypt(alice.key))).toBe(true)
  expect(isQuicklyDecrypted(pbkdf2('0800'))).toBe(true)
  expect(isQuicklyDecrypted(pbkdf2('4e20'))).toBe(true)
  expect(isQuicklyDecrypted(pbeSha1('0800'))).toBe(true)
})

it.each<[string, string]>([
  ['20,001 iterations', pbkdf2('4e21')],
  ['two billion iterations', pbkdf2('7fffffff')],
  ['more iterations than a number holds', pbkdf2('7fffffffffffffff')],
  ['as many in the form of PKCS #12', pbeSha1('7fffffff')],
  ['scrypt, which takes memory', scrypt],
  ['a second key of two billion', encrypt(alice.key) + pbkdf2('7fffffff')],
  ['no DER', pem(Buffer.from('hello'))],
  ['DER of no end', pem(Buffer.from('3080308006092a864886f70d01050d', 'hex'))],
  ['headers within', pbkdf2('7fffffff').replace('-----\n', '-----\nProc-Type: 4\n\n')],
])('refuses %s before it is decrypted', async (_what, key) => {
  expect(isQuicklyDecrypted(key)).toBe(false)
  await using host = await openHost()
  const clientCertificate = { cert: alice.cert, key, passphrase }
  const creating = host.sender.endpoints.create({
    tenantId: 1,
    url: 'https://example.com/',
    clientCertificate,
  })
  await expect(creating).rejects.toMatchObject({
    code: 'invalid_certificate',
    field: 'clientCertificate.key',
  })
  expect(await host.sender.endpoints.list({ tenantId: 1 })).toEqual([])
})

it('keeps the key as it was decrypted, and no passphrase', async () => {
  await using host = await openHost()
  const clientCertificate = { cert: alice.cert, key: encrypt(alice.key), passphrase }
  const url = 'https://example.com/'
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url, clientCertificate })
  expect(endpoint.clientCertificate?.subject).toBe('CN=alice')
})

it('refuses keys that each handshake would take long to sign with', async () => {
  await using host = await openHost()
  const long = generateKeyPairSync('rsa', {
    modulusLength: 4_104,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const clientCertificate = { cert: alice.cert, key: long.privateKey }
  const creating = host.sender.endpoints.create({
    tenantId: 1,
    url: 'https://example.com/',
    clientCertificate,
  })
  await expect(creating).rejects.toThrow('RSA of at most 4096 bits')
})
