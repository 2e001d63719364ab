import { manualClock, waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createReceiver, type WebhookContext } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, request, secret } from './messages.ts'

const body = JSON.stringify(payloadOf('File.Create'))

async function contextOf(headers: Record<string, unknown>, rawBody: Buffer | string = body) {
  const receiver = createReceiver({ secrets: secret })
  let context: WebhookContext | undefined
  receiver.on('*', (_event, itsContext) => {
    context = itsContext
  })
  const signed = { ...signedHeaders({ secret, id: 'evt_1', body: rawBody }), ...headers }
  expect(await receiver.receive({ headers: signed as never, body: rawBody })).toMatchObject({ status: 204 })
  return context as WebhookContext
}

describe('the context of a handler', () => {
  it('has the headers of the attempt, in whatever shape they came', async () => {
    const { headers } = await contextOf({
      'X-Attempt': '3',
      'x-list': ['a', 'b'],
      ':path': '/hook',
      'x-odd': 'line\nbreak',
      'x-none': undefined,
    })
    expect(headers.get('webhook-id')).toBe('evt_1')
    expect(headers.get('x-attempt')).toBe('3')
    expect(headers.get('x-list')).toBe('a, b')
    expect([headers.has('x-odd'), headers.has('x-none')]).toEqual([false, false])
  })

  it('has the bytes that were signed', async () => {
    const bytes = Buffer.from(`\ufeff${body}`)
    expect(Buffer.from((await contextOf({}, bytes)).rawBody)).toEqual(bytes)
    expect(Buffer.from((await contextOf({}, body)).rawBody).toString()).toBe(body)
  })

  it('is aborted when the sender is gone', async () => {
    const receiver = createReceiver({ secrets: secret })
    const client = new AbortController()
    let signal: AbortSignal | undefined
    receiver.on('*', async (_event, context) => {
      signal = context.signal
      await new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => reject(context.signal.reason))
      })
    })
    const response = receiver.handle(new Request(request(), { signal: client.signal }))
    await waitFor(() => signal, 'the handler')
    expect(signal?.aborted).toBe(false)
    client.abort(new Error('hung up'))
    expect((await response).status).toBe(500)
    expect(signal?.reason).toMatchObject({ message: 'hung up' })
  })

  it('is aborted when the sender has waited long enough, and waits for the handler all the same', async () => {
    const clock = manualClock()
    const receiver = createReceiver({ secrets: secret, clock, handlerTimeoutMs: 5_000 })
    const { promise, resolve } = Promise.withResolvers<void>()
    let signal: AbortSignal | undefined
    receiver.on('*', (_event, context) => {
      signal = context.signal
      return promise
    })
    const timestamp = new Date(clock.now())
    const response = receiver.handle(request({ timestamp }))
    await waitFor(() => signal, 'the handler')
    await clock.advance(4_999)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' })
    resolve()
    expect((await response).status).toBe(204)
  })

  it('leaves no timer behind', async () => {
    let running = 0
    const schedule = (callback: () => void, delayMs: number) => {
      const timer = setTimeout(callback, delayMs)
      running++
      return () => {
        running--
        clearTimeout(timer)
      }
    }
    const receiver = createReceiver({ secrets: secret, clock: { now: Date.now, schedule } })
    let seen = 0
    receiver.on('*', (_event, { signal }) => {
      expect(signal.aborted).toBe(false)
      seen = running
    })
    await receiver.handle(request())
    expect([seen, running]).toEqual([1, 0])
  })
})
