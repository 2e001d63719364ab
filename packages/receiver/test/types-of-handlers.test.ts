import type { JsonValue } from '@x/events-core'
import type { RequestHandler } from 'express'
import { expectTypeOf, it } from 'vitest'
import type { webhook } from '../src/express.ts'
import type { Receiver, WebhookEvent } from '../src/index.ts'

interface Invoice {
  invoiceId: number
  total: string
}

declare module '@x/events-core' {
  interface EntityTypes {
    Invoice: Invoice
  }
}

declare const receiver: Receiver

it('gives a handler the type of its events', () => {
  const register = () => {
    receiver.on('File.Download', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'File.Download'>()
      expectTypeOf(event.id).toEqualTypeOf<string>()
      expectTypeOf(event.data.entityName).toEqualTypeOf<'File'>()
      expectTypeOf(event.data.entity).toEqualTypeOf<JsonValue | undefined>()
    })
    receiver.on('Page.*', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<`Page.${string}`>()
    })
    receiver.on('*.Delete', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<`${string}.Delete`>()
    })
    receiver.on('*', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<string>()
    })
  }
  expectTypeOf(register).toBeFunction()
})

it("knows the host's entities by declaration merging", () => {
  const register = () => {
    receiver.on('Invoice.Create', (event) => {
      expectTypeOf(event.data.entity).toEqualTypeOf<Invoice | undefined>()
    })
    receiver.on('Invoice.*', (event) => {
      expectTypeOf(event.data.entity).toEqualTypeOf<Invoice | undefined>()
      // @ts-expect-error an invoice has no such member
      event.data.entity?.amount
    })
  }
  expectTypeOf(register).toBeFunction()
})

it('leaves the set of types open', () => {
  const register = () => receiver.on('Subscription.Renewed', (event) => event.data)
  expectTypeOf(register).toEqualTypeOf<() => () => void>()
  expectTypeOf<WebhookEvent>().toHaveProperty('id')
})

it('fits where Express wants a request handler', () => {
  expectTypeOf<ReturnType<typeof webhook>>().toExtend<RequestHandler>()
})
