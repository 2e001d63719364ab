import { describe, expect, it } from 'vitest'
import { createReceiver, ReceiverError, type ReceiverErrorContext } from '../src/index.ts'
import { payloadOf, request, secret } from './messages.ts'

describe('a receiver', () => {
  it('calls every handler whose pattern fits, in the order in which they came', async () => {
    const receiver = createReceiver({ secrets: secret })
    const calls: string[] = []
    for (const pattern of ['*', 'File.*', 'File.Create', '*.Create', 'File.Delete', 'Page.*', '*.Delete']) {
      receiver.on(pattern, () => calls.push(pattern))
    }
    expect((await receiver.handle(request())).status).toBe(204)
    expect(calls).toEqual(['*', 'File.*', 'File.Create', '*.Create'])
  })

  it('hands out the body, the id, and when the attempt was signed', async () => {
    const receiver = createReceiver({ secrets: secret })
    const calls: unknown[] = []
    receiver.on('File.Create', (event, context) => calls.push(event, context))
    const timestamp = new Date(Math.floor(Date.now() / 1000) * 1000)
    await receiver.handle(request({ id: 'evt_1', timestamp }))
    expect(calls).toMatchObject([
      { ...payloadOf('File.Create'), id: 'evt_1' },
      { id: 'evt_1', timestamp },
    ])
  })

  it.each([
    ['ping', ['ping', '*']],
    [
      'message.attempt.exhausted',
      ['*', 'message.*', 'message.attempt.*', 'message.attempt.exhausted', '*.exhausted'],
    ],
    ['order/paid:v2', ['*', 'order/paid:v2']],
    ['__proto__', ['*', '__proto__']],
  ])('knows the types of any sender: %s', async (type, expected) => {
    const receiver = createReceiver({ secrets: secret })
    const calls: string[] = []
    const others = [
      'message',
      'attempt',
      '*.attempt',
      'ping.*',
      '*.ping',
      'messag.*',
      'order/paid',
      'constructor',
    ]
    for (const pattern of [...expected, ...others]) receiver.on(pattern, () => calls.push(pattern))
    await receiver.handle(request({ body: { type, timestamp: 't', data: {} } }))
    expect(calls).toEqual(expected)
  })

  it.each(['Unknown.Type', '__proto__', 'constructor', 'toString', 'no-dot', ''])(
    'acknowledges a type that no handler wants: %j',
    async (type) => {
      const receiver = createReceiver({ secrets: secret })
      receiver.on('File.Create', () => expect.unreachable())
      const response = await receiver.handle(request({ body: { ...payloadOf('File.Create'), type } }))
      expect(response.status).toBe(204)
    },
  )

  it('no longer calls a handler that was taken away', async () => {
    const receiver = createReceiver({ secrets: secret })
    let calls = 0
    const handler = () => {
      calls++
    }
    const off = receiver.on('File.Create', handler)
    receiver.on('File.Create', handler)
    off()
    off()
    await receiver.handle(request())
    expect(calls).toBe(1)
  })

  it('waits for handlers before it acknowledges', async () => {
    const receiver = createReceiver({ secrets: secret })
    const { promise, resolve } = Promise.withResolvers<void>()
    let answered = false
    receiver.on('*', () => promise)
    const response = receiver.handle(request()).finally(() => {
      answered = true
    })
    await new Promise(setImmediate)
    expect(answered).toBe(false)
    resolve()
    expect((await response).status).toBe(204)
  })

  it('answers 500 when a handler fails, and still calls the others', async () => {
    const receiver = createReceiver({ secrets: secret })
    const calls: string[] = []
    const reported: [unknown, ReceiverErrorContext][] = []
    receiver.onError((error, context) => reported.push([error, context]))
    receiver.on('*', () => {
      throw new Error('database password is hunter2')
    })
    receiver.on('*', async () => {
      calls.push('second')
    })
    const response = await receiver.handle(request({ id: 'evt_1' }))
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      code: 'handlers_failed',
      detail: 'The event was not handled. Send it again.',
    })
    expect(calls).toEqual(['second'])
    expect(reported).toHaveLength(1)
    const [error, context] = reported[0] ?? []
    expect(error).toBeInstanceOf(ReceiverError)
    expect(error).toMatchObject({
      code: 'handlers_failed',
      cause: { message: 'database password is hunter2' },
    })
    expect(context).toMatchObject({ status: 500, event: { id: 'evt_1' } })
  })

  it('reports every failure when several handlers fail', async () => {
    const receiver = createReceiver({ secrets: secret })
    const failures = [new Error('one'), new Error('two')]
    for (const failure of failures) receiver.on('*', () => Promise.reject(failure))
    const reported: unknown[] = []
    receiver.onError((error) => reported.push(error))
    await receiver.handle(request())
    expect(reported).toMatchObject([{ cause: { errors: failures } }])
  })

  it('answers as it would have when a listener fails', async () => {
    const receiver = createReceiver({ secrets: secret })
    const off = receiver.onError(() => {
      throw new Error('listener')
    })
    receiver.onError(async () => {
      throw new Error('listener')
    })
    let heard = 0
    receiver.onError(() => heard++)
    receiver.on('*', () => Promise.reject(new Error('handler')))
    expect((await receiver.handle(request())).status).toBe(500)
    off()
    expect((await receiver.handle(request())).status).toBe(500)
    expect(heard).toBe(2)
  })

  it('refuses patterns and handlers that are none', () => {
    const receiver = createReceiver({ secrets: secret })
    for (const pattern of [
      '',
      'File.',
      '.Create',
      'a..b',
      'a.*.b',
      '*a',
      'Fi*.Create',
      '__proto__\n',
      'a b',
      '*.*.*',
      1 as unknown as string,
    ]) {
      expect(() => receiver.on(pattern, () => {})).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
    }
    const notAFunction = 'handler' as unknown as () => void
    expect(() => receiver.on('*', notAFunction)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
    expect(() => receiver.onError(notAFunction)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  })
})
