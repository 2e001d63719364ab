import { randomBytes } from 'node:crypto'
import { generateKeyPair, generateSecret } from '@x/signature'
import { expect, it } from 'vitest'
import { createWebhookSender, WebhookSenderError } from '../../src/index.ts'
import { openHost } from '../open-host.ts'

const url = 'https://example.com/hook'
const secret = generateSecret()
const { privateKey, publicKey } = generateKeyPair()

it.each<[string, string, 'hmac' | 'ed25519', RegExp]>([
  ['nothing', '', 'hmac', /is empty/],
  ['a missing value', 'undefined', 'hmac', /missing value/],
  ['a secret in quotes', `"${secret}"`, 'hmac', /in quotes/],
  ['a label before it', `v1,${secret}`, 'hmac', /label of a signature/],
  ['a line break after it', `${secret}\n`, 'hmac', /line break/],
  ['a public key', publicKey, 'hmac', /is a public key \(whpk_\)/],
  ['a public key', publicKey, 'ed25519', /is a public key \(whpk_\)/],
  ['a private key', privateKey, 'hmac', /is a private key \(whsk_\).*needs a shared secret/],
  ['a shared secret', secret, 'ed25519', /is a shared secret \(whsec_\).*needs a private key/],
])('says what it is, when an endpoint is given %s as its secret', async (_what, given, signature, said) => {
  await using host = await openHost()
  const create = host.sender.endpoints.create({ tenantId: 1, url, secret: given, signature })
  const error = await create.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WebhookSenderError)
  expect(error).toMatchObject({ code: 'invalid_secret', message: expect.stringMatching(said) })
  if (given.length > 20) expect(String(error)).not.toContain(given.slice(8, 20))
  expect(await host.sender.endpoints.list({ tenantId: 1 })).toEqual([])
})

const key = randomBytes(32).toString('base64')

it.each<[string, unknown, RegExp]>([
  ['nothing', '', /is empty.*openssl rand/],
  ['no value', undefined, /got undefined.*environment variable/],
  ['a missing value', 'undefined', /missing value/],
  ['quotes', `'${key}'`, /in quotes/],
  ['a line break', `${key}\n`, /line break/],
  ['a byte order mark', `\ufeff${key}`, /byte order mark/],
  ['a line of a file', `ENCRYPTION_KEY=${key}`, /line of name and value/],
  ['a name', '$ENCRYPTION_KEY', /name of a variable/],
  ['the secret of an endpoint', secret, /is the secret of an endpoint/],
  ['too short a key', key.slice(0, 20), /a text of 20 characters\. Make one/],
  ['too few bytes', Buffer.alloc(16), /got 16 bytes/],
])('says what it is, when the sender is given %s as its encryption key', async (_what, given, said) => {
  await using host = await openHost()
  const create = () => createWebhookSender({ engine: host.engine, encryptionKey: given as string })
  expect(create).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(said) }),
  )
  expect(create).not.toThrow(key.slice(0, 12))
})
