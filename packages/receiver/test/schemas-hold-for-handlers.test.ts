import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { createReceiver, memoryReplayStore, ReceiverError, type StandardSchema } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { request, secret } from './messages.ts'

interface Invoice {
  invoiceId: number
  total: string
}

const libraries: { library: string; schema: StandardSchema<Invoice> }[] = [
  { library: 'zod', schema: z.object({ invoiceId: z.number().int(), total: z.string() }) },
  { library: 'valibot', schema: v.object({ invoiceId: v.pipe(v.number(), v.integer()), total: v.string() }) },
  { library: 'arktype', schema: type({ invoiceId: 'number.integer', total: 'string', '+': 'delete' }) },
]
const bodyOf = (data: unknown, eventType = 'Invoice.Create') => ({ type: eventType, timestamp: 't', data })
const good = { invoiceId: 12, total: '1.50' }

describe.each(libraries)('a schema of $library', ({ schema }) => {
  function receiverWith() {
    const receiver = createReceiver({
      secrets: secret,
      schemas: { 'Invoice.Create': schema },
      replayStore: memoryReplayStore(),
    })
    const seen: unknown[] = []
    const errors: unknown[] = []
    receiver.on('Invoice.*', (event) => seen.push(event.data))
    receiver.onError((error) => errors.push(error))
    return { receiver, seen, errors }
  }

  it('lets handlers have what fits, as the schema made it', async () => {
    const { receiver, seen } = receiverWith()
    const sent = bodyOf({ ...good, secret: 'unknown to the schema' })
    expect((await receiver.handle(request({ body: sent }))).status).toBe(204)
    expect(seen).toEqual([good])
    const text = JSON.stringify(bodyOf(good))
    const headers = signedHeaders({ secret, body: text })
    expect((await receiver.verify(text, headers)).data).toEqual(good)
    expect(receiver.verifySync(text, headers).data).toEqual(good)
  })

  it('has what does not fit answered with 400, and where it does not', async () => {
    const { receiver, seen, errors } = receiverWith()
    const sent = request({ id: 'evt_1', body: bodyOf({ ...good, total: 150 }) })
    const response = await receiver.handle(sent)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'invalid_payload',
      detail: 'The data of Invoice.Create does not have the shape that is expected here: see data.total.',
    })
    expect(seen).toEqual([])
    expect(errors).toMatchObject([{ code: 'invalid_payload', cause: [{ message: expect.any(String) }] }])
    // The next attempt finds a schema that was put right.
    const next = await receiver.handle(request({ id: 'evt_1', body: bodyOf(good) }))
    expect(next.status).toBe(204)
  })

  it.each([undefined, null, [], 'text', 12])('refuses data that is %j', async (data) => {
    const { receiver } = receiverWith()
    expect((await receiver.handle(request({ body: bodyOf(data) }))).status).toBe(400)
  })

  it('does not look at types without one, however they are called', async () => {
    const { receiver } = receiverWith()
    for (const other of ['Invoice.Delete', 'constructor', '__proto__', 'toString']) {
      expect((await receiver.handle(request({ body: bodyOf(1, other) }))).status).toBe(204)
    }
  })

  it('is not asked about a message that is not proved', async () => {
    const asked: unknown[] = []
    const spy: StandardSchema = {
      '~standard': {
        ...schema['~standard'],
        validate: (value) => {
          asked.push(value)
          return { value }
        },
      },
    }
    const receiver = createReceiver({ secrets: secret, schemas: { 'Invoice.Create': spy } })
    const forged = request({ body: bodyOf(good), timestamp: new Date(0) })
    expect((await receiver.handle(forged)).status).toBe(401)
    expect(asked).toEqual([])
  })
})

describe('a schema', () => {
  const slow = z
    .object({ total: z.string() })
    .refine(async ({ total }) => total !== 'bad', { path: ['total'] })

  it('may answer in a promise, which verifySync cannot wait for', async () => {
    const receiver = createReceiver({ secrets: secret, schemas: { 'Invoice.Create': slow } })
    const statusOf = async (total: string) =>
      (await receiver.handle(request({ body: bodyOf({ total }) }))).status
    expect([await statusOf('good'), await statusOf('bad')]).toEqual([204, 400])
    const body = JSON.stringify(bodyOf({ total: 'good' }))
    expect(() => receiver.verifySync(body, signedHeaders({ secret, body }))).toThrow(
      expect.objectContaining({ code: 'sync_unavailable' }),
    )
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('bug')
      },
    ],
    ['rejects', () => Promise.reject(new Error('bug'))],
  ])("is our fault and not the sender's when it %s", async (_, validate) => {
    const broken: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate } }
    const receiver = createReceiver({ secrets: secret, schemas: { 'a.b': broken } })
    const errors: unknown[] = []
    receiver.onError((error) => errors.push(error))
    expect((await receiver.handle(request({ body: bodyOf(1, 'a.b') }))).status).toBe(500)
    expect(errors).toEqual([expect.any(ReceiverError)])
    expect(errors).toMatchObject([{ code: 'schema_failed', cause: { message: 'bug' } }])
  })

  it.each([{}, 1, null, { '~standard': {} }, (value: unknown) => value])('has to be one: %o', (schema) => {
    const schemas = { 'a.b': schema as unknown as StandardSchema }
    expect(() => createReceiver({ secrets: secret, schemas })).toThrow(/options\.schemas\['a\.b'\] must be/)
  })
})

describe('types', () => {
  it('come from the schemas', () => {
    const receiver = createReceiver({
      secrets: secret,
      schemas: {
        'Invoice.Create': z.object({ at: z.string().transform((text) => new Date(text)) }),
        'Invoice.Delete': v.object({ invoiceId: v.number() }),
        'User.Login': type({ name: 'string' }),
      },
    })
    const register = () => {
      receiver.on('Invoice.Create', (event) => {
        expectTypeOf(event.type).toEqualTypeOf<'Invoice.Create'>()
        expectTypeOf(event.data).toEqualTypeOf<{ at: Date }>()
      })
      receiver.on('User.Login', (event) => {
        expectTypeOf(event.data).toEqualTypeOf<{ name: string }>()
      })
      receiver.on('Invoice.*', (event) => {
        expectTypeOf(event.type).toEqualTypeOf<'Invoice.Create' | 'Invoice.Delete'>()
        if (event.type === 'Invoice.Delete') expectTypeOf(event.data.invoiceId).toEqualTypeOf<number>()
      })
      receiver.on('File.Download', (event) => {
        expectTypeOf(event.data.entityName).toEqualTypeOf<'File'>()
      })
    }
    expectTypeOf(register).toBeFunction()
    expectTypeOf(receiver.verifySync)
      .returns.toHaveProperty('type')
      .toEqualTypeOf<'Invoice.Create' | 'Invoice.Delete' | 'User.Login'>()
  })

  it('come from a map that the caller vouches for', () => {
    const receiver = createReceiver<{ 'order.paid': { orderId: string } }>({ secrets: secret })
    const register = () => {
      receiver.on('order.paid', (event) => {
        expectTypeOf(event.data).toEqualTypeOf<{ orderId: string }>()
      })
      receiver.on('*', (event) => {
        expectTypeOf(event.type).toEqualTypeOf<'order.paid'>()
      })
    }
    expectTypeOf(register).toBeFunction()
  })
})
