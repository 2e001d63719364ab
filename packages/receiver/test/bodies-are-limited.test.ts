import { describe, expect, it } from 'vitest'
import { createReceiver } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, request, secret } from './messages.ts'

const receiver = createReceiver({ secrets: secret, maxBodyBytes: 1000 })
const bodyOf = (bytes: number, filler = 'x') => {
  const empty = JSON.stringify({ ...payloadOf('File.Create'), text: '' })
  return JSON.stringify({ ...payloadOf('File.Create'), text: filler.repeat(bytes - empty.length) })
}

describe('a body', () => {
  it('of just the limit is read', async () => {
    expect(Buffer.byteLength(bodyOf(1000))).toBe(1000)
    expect((await receiver.handle(request({ body: bodyOf(1000) }))).status).toBe(204)
  })

  it('beyond it is answered with 413', async () => {
    const response = await receiver.handle(request({ body: bodyOf(1001) }))
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'body_too_large' })
  })

  it('is not read on once it is too long', async () => {
    let pulled = 0
    let cancelled = false
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(600))
        },
        cancel() {
          cancelled = true
        },
      },
      { highWaterMark: 0 },
    )
    const init = { method: 'POST', body, duplex: 'half', headers: { 'content-length': '10' } } as RequestInit
    expect((await receiver.handle(new Request('https://consumer.test/', init))).status).toBe(413)
    expect({ pulled, cancelled }).toEqual({ pulled: 2, cancelled: true })
  })

  it('is not read at all when it says that it is too long', async () => {
    const body = new ReadableStream({ pull: () => expect.unreachable() }, { highWaterMark: 0 })
    const init = {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-length': '1001' },
    } as RequestInit
    expect((await receiver.handle(new Request('https://consumer.test/', init))).status).toBe(413)
  })

  it('counts as bytes, not as characters', async () => {
    const text = bodyOf(700, 'é') // about 1,300 bytes
    const headers = signedHeaders({ secret, body: text })
    await expect(receiver.verify(text, headers)).rejects.toMatchObject({ code: 'body_too_large' })
    await expect(
      receiver.verify(bodyOf(1000), signedHeaders({ secret, body: bodyOf(1000) })),
    ).resolves.toBeDefined()
    expect(() => receiver.verifySync(Buffer.from(text), headers)).toThrow(/longer than 1000 bytes/)
  })

  it('that was read before is answered with 500, and how to avoid it', async () => {
    const read = request()
    await read.text()
    const response = await receiver.handle(read)
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({
      code: 'body_consumed',
      detail: expect.stringContaining('request.clone()'),
    })
  })
})
