import { generateKeyPair } from '@x/signature'
import { expect, it } from 'vitest'
import { createReceiver, generateSecret, memoryReplayStore, Webhook } from '../src/index.ts'
import { signedRequest } from '../src/testing.ts'
import { payloadOf, secret } from './messages.ts'

const token = 'dG9rZW4tb2YtYS1jaGFsbGVuZ2U'
const challenge = { ...payloadOf('Webhook.Challenge'), data: { entity: { token } } }
const id = 'evt_1'

it('signs with each shared secret it holds, also one that is looked up', async () => {
  const others = [secret, generateSecret()]
  const receiver = createReceiver({ secrets: async ({ url = '' }) => (url.endsWith('/hook') ? others : []) })
  const request = signedRequest({ secret, id, body: challenge })
  const answer = (await (await receiver.handle(request.clone())).json()) as { signature: string }
  expect(answer.signature.split(' ')).toHaveLength(2)
  for (const one of others) {
    const headers = new Headers(request.headers)
    headers.set('webhook-signature', answer.signature)
    expect(() =>
      new Webhook(one).verify(`Webhook.Challenge.${token}`, headers, { jsonParse: false }),
    ).not.toThrow()
    expect(() => new Webhook(one).verify(token, headers, { jsonParse: false })).toThrow()
  }
})

it('answers with the token alone where it holds but a public key', async () => {
  const { privateKey, publicKey } = generateKeyPair()
  const receiver = createReceiver({ secrets: publicKey, replayStore: memoryReplayStore() })
  const response = await receiver.handle(signedRequest({ secret: privateKey, body: challenge }))
  expect([response.status, await response.json()]).toEqual([200, { token }])
})

it('answers nobody who cannot sign the challenge', async () => {
  const receiver = createReceiver({ secrets: secret })
  const response = await receiver.handle(signedRequest({ secret: generateSecret(), body: challenge }))
  expect(response.status).toBe(401)
  expect(await response.text()).not.toContain(token)
})

it.each([
  ['it is told to', { answerChallenges: false }, challenge],
  ['the token is none', {}, { ...challenge, data: { entity: { token: '{"type":"File.Delete"}' } } }],
  ['there is no token', {}, { ...challenge, data: null }],
])('leaves a challenge to the handlers when %s', async (_what, options, body) => {
  const receiver = createReceiver({ secrets: secret, ...options })
  const types: string[] = []
  receiver.on('Webhook.*', (event) => types.push(event.type))
  expect((await receiver.handle(signedRequest({ secret, body }))).status).toBe(204)
  expect(types).toEqual(['Webhook.Challenge'])
})

it('names the option when its value is wrong', () => {
  const create = () => createReceiver({ secrets: secret, answerChallenges: 'no' as never })
  expect(create).toThrow('options.answerChallenges')
})
