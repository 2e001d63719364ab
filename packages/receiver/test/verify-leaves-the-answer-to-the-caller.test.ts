import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createReceiver, WebhookVerificationError } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, secret } from './messages.ts'

const receiver = createReceiver({ secrets: secret })
const payload = payloadOf('File.Create')
const body = JSON.stringify(payload)

const ways = [
  { way: 'verify', verify: receiver.verify },
  {
    way: 'verifySync',
    verify: async (...args: Parameters<typeof receiver.verify>) => receiver.verifySync(...args),
  },
]

describe.each(ways)('$way', ({ verify }) => {
  it('gives the event of a message, and its id', async () => {
    const headers = signedHeaders({ secret, id: 'evt_1', body })
    const event = { ...payload, id: 'evt_1' }
    expect(await verify(body, headers)).toEqual(event)
    expect(await verify(Buffer.from(body), new Headers(headers))).toEqual(event)
    expect(await verify(new TextEncoder().encode(body).buffer, headers)).toEqual(event)
  })

  it('reads a body that begins with a byte order mark', async () => {
    const marked = Buffer.from(`\ufeff${body}`)
    expect(await verify(marked, signedHeaders({ secret, body: marked }))).toMatchObject({
      type: 'File.Create',
    })
  })

  it('calls no handler', async () => {
    const off = receiver.on('*', () => expect.unreachable())
    await verify(body, signedHeaders({ secret, body }))
    off()
  })

  it('refuses a parsed body and says how to get the bytes', async () => {
    await expect(verify(payload as unknown as string, signedHeaders({ secret, body }))).rejects.toThrow(
      /got object.*@x\/receiver\/express/,
    )
  })

  it('throws nothing but a WebhookVerificationError, whatever it is given', async () => {
    const anything = fc.anything() as fc.Arbitrary<never>
    await fc.assert(
      fc.asyncProperty(anything, anything, async (anyBody, anyHeaders) => {
        await expect(verify(anyBody, anyHeaders)).rejects.toBeInstanceOf(WebhookVerificationError)
      }),
    )
  })

  it('throws nothing but a WebhookVerificationError for a signed body that is no event', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.uint8Array()), async (anyBody) => {
        const outcome = verify(anyBody, signedHeaders({ secret, body: anyBody }))
        await expect(outcome).rejects.toMatchObject({
          name: 'WebhookVerificationError',
          code: 'invalid_body',
        })
      }),
    )
  })
})

describe('a signed body', () => {
  const read = (text: string) => receiver.verifySync(text, signedHeaders({ secret, body: text }))

  it.each(['__proto__', '\\u005f_proto__', '__pr\\u006fto__', '_\\u005Fproto_\\u005f'])(
    'cannot name a prototype: %s',
    (name) => {
      const event = read(
        `{"type":"a.b","${name}":{"polluted":1},"data":{"${name}":{"polluted":1},"kept":{"x":1}}}`,
      )
      expect(Object.getPrototypeOf(event)).toBe(Object.prototype)
      expect(Object.hasOwn(event, '__proto__')).toBe(false)
      expect(Object.keys(event.data)).toEqual(['kept'])
      expect(Object.assign({}, event.data)).not.toHaveProperty('polluted')
      expect({}).not.toHaveProperty('polluted')
    },
  )

  it.each(['1', 'null', '{}', '"then"', '{"then":1}'])('may have a member then: %s', (then) => {
    const text = `{"type":"a.b","then":${then},"data":{"then":${then}}}`
    expect(read(text)).toMatchObject({ type: 'a.b', ...JSON.parse(text) })
  })

  it('keeps everything else, escapes included', () => {
    const data = {
      text: '__proto__ \u0000 \ud83d\ude00',
      constructor: { prototype: 1 },
      list: [1, null, '\u0001'],
    }
    const payloadWith = { type: 'a.b', timestamp: 't', data }
    expect(read(JSON.stringify(payloadWith))).toEqual({ ...payloadWith, id: expect.any(String) })
  })
})
