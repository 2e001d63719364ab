import { WebhookVerificationError } from '@x/signature'
import { describe, expect, it } from 'vitest'
import { createReceiver, generateSecret } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, request, secret } from './messages.ts'

const body = JSON.stringify(payloadOf('File.Create'))
const signed = () => signedHeaders({ secret, body })

async function answerTo(forged: Request) {
  const receiver = createReceiver({ secrets: secret })
  const errors: unknown[] = []
  receiver.onError((error) => errors.push(error))
  receiver.on('*', () => expect.unreachable())
  const response = await receiver.handle(forged)
  return { response, errors }
}

const post = (headers: Record<string, string>, text = body) =>
  new Request('https://consumer.test/hook', { method: 'POST', headers, body: text })

describe('one answer of 401', () => {
  it.each([
    ['no header', 'missing_header', () => post({ 'content-type': 'application/json' })],
    ['no signature', 'missing_header', () => post({ ...signed(), 'webhook-signature': '' })],
    ['an odd signature', 'invalid_signature', () => post({ ...signed(), 'webhook-signature': 'v1,abc' })],
    ['an odd id', 'invalid_header', () => post({ ...signed(), 'webhook-id': 'a.b' })],
    ['an odd timestamp', 'invalid_timestamp', () => post({ ...signed(), 'webhook-timestamp': '1e9' })],
    ['another secret', 'no_matching_signature', () => request({ secret: generateSecret() })],
    ['another body', 'no_matching_signature', () => post(signed(), body.replace('12', '13'))],
    ['an old message', 'timestamp_too_old', () => request({ timestamp: new Date(Date.now() - 302_000) })],
    [
      'a message from the future',
      'timestamp_too_new',
      () => request({ timestamp: new Date(Date.now() + 302_000) }),
    ],
  ])('for %s; the reason only for onError', async (_, code, forge) => {
    const { response, errors } = await answerTo(forge())
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      code: 'unverified',
      detail: 'The webhook could not be verified.',
    })
    expect(errors).toEqual([expect.any(WebhookVerificationError)])
    expect(errors).toMatchObject([{ code }])
  })
})

describe('other answers', () => {
  it.each([
    'not json',
    '',
    '[]',
    'null',
    '"text"',
    '{}',
    '{"type":1}',
    '{"type":',
    '{"__proto__":{"type":"a"}}',
  ])('400 for a body that is no event, though well signed: %s', async (text) => {
    const { response, errors } = await answerTo(request({ body: text }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'invalid_body' })
    expect(errors).toMatchObject([{ code: 'invalid_body' }])
  })

  it('400 for a body that is no UTF-8, though well signed', async () => {
    const bytes = Buffer.from(body.replace('File', 'Fi\u00efle'), 'latin1')
    expect((await answerTo(request({ body: bytes }))).response.status).toBe(400)
  })

  it.each(['GET', 'PUT', 'DELETE'])('405 for %s', async (method) => {
    const init = method === 'GET' ? {} : { body }
    const { response } = await answerTo(
      new Request('https://consumer.test/', { method, headers: signed(), ...init }),
    )
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'multipart/form-data; boundary=json',
  ])('415 for %s', async (contentType) => {
    const { response } = await answerTo(post({ ...signed(), 'content-type': contentType }))
    expect(response.status).toBe(415)
  })

  it.each(['application/json', 'Application/JSON; charset=utf-8', 'application/cloudevents+json'])(
    '204 for %s',
    async (contentType) => {
      const receiver = createReceiver({ secrets: secret })
      const response = await receiver.handle(post({ ...signed(), 'content-type': contentType }))
      expect(response.status).toBe(204)
    },
  )
})
