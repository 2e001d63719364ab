import { expect, it } from 'vitest'
import { createReceiver, generateSecret, ReceiverError, Webhook, WebhookKeyError } from '../../src/index.ts'
import { signedRequest } from '../../src/testing.ts'
import { payloadOf } from '../messages.ts'

const secret = generateSecret()
const bare = secret.slice('whsec_'.length)

it.each<[string, unknown, RegExp]>([
  ['nothing', '', /is empty/],
  ['no value', undefined, /undefined.*environment variable/],
  ['the word for it', 'undefined', /missing value/],
  ['quotes', `"${secret}"`, /in quotes/],
  ['a label', `v1,${secret}`, /label of a signature/],
  ['a byte order mark', `\ufeff${secret}`, /byte order mark/],
  ['its prefix twice', `whsec_${secret}`, /prefix twice/],
  ['a token', `Bearer ${secret}`, /Authorization header/],
])('is said when a receiver or the drop-in class is made with %s', (_what, given, said) => {
  const makers = [
    () => createReceiver({ secrets: given as string }),
    () => createReceiver({ secrets: [secret, given as string] }),
    ...(given === undefined ? [] : [() => new Webhook(given as string)]),
  ]
  for (const make of makers) {
    expect(make).toThrow(WebhookKeyError)
    expect(make).toThrow(said)
    expect(make).not.toThrow(bare.slice(0, 12))
  }
})

it('is said to onError when a function gives such a secret, without telling the sender', async () => {
  const receiver = createReceiver({ secrets: () => `"${secret}"` })
  const errors: unknown[] = []
  receiver.onError((error) => errors.push(error))
  const response = await receiver.handle(signedRequest({ secret, body: payloadOf('File.Create') }))
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('quotes')
  expect(errors).toMatchObject([{ code: 'secrets_unavailable', message: expect.stringMatching(/in quotes/) }])
  expect(errors[0]).toBeInstanceOf(ReceiverError)
})

it('leaves the drop-in class the secrets without a prefix', () => {
  expect(() => new Webhook(bare)).not.toThrow()
  expect(() => new Webhook(` ${bare}`)).toThrow(/white space/)
  expect(() => new Webhook(bare.slice(0, 8))).toThrow(/24 to 64 bytes/)
})
