import type { JsonValue, SyncEvent } from '@x/events-core'
import { expectTypeOf, it } from 'vitest'
import {
  createPropertyDictionary,
  createSyncClient,
  observable,
  type SyncClientError,
  type SyncClientStateChange,
  type SyncFetch,
} from '../src/index.ts'

interface Invoice {
  total: string
}

declare module '@x/events-core' {
  interface EntityTypes {
    Invoice: Invoice
  }
}

const client = createSyncClient({ url: 'http://127.0.0.1/api/Sync' })

it('knows what a pattern tells about its events', () => {
  client.on('File.Download', (event) => {
    expectTypeOf(event.entityName).toEqualTypeOf<'File'>()
    expectTypeOf(event.action).toEqualTypeOf<'Download'>()
    expectTypeOf(event.data).toEqualTypeOf<JsonValue | undefined>()
    expectTypeOf(event.modifiedOn).toEqualTypeOf<Date>()
    expectTypeOf(event).toExtend<SyncEvent>()
  })
  client.on('Page.*', (event) => {
    expectTypeOf(event.entityName).toEqualTypeOf<'Page'>()
    expectTypeOf(event.action).toEqualTypeOf<string>()
  })
  client.on('*.Delete', (event) => {
    expectTypeOf(event.entityName).toEqualTypeOf<string>()
    expectTypeOf(event.action).toEqualTypeOf<'Delete'>()
  })
  client.on('*', (event) => expectTypeOf(event).toExtend<SyncEvent>())
  client.on('refresh', (event) => expectTypeOf(event.action).toEqualTypeOf<'Refresh'>())
  client.on('entityChanged', (event) => expectTypeOf(event).toEqualTypeOf<SyncEvent>())
})

it("knows the host's own entities and their data", () => {
  client.on('Invoice.Create', (event) => expectTypeOf(event.data).toEqualTypeOf<Invoice | undefined>())
  // @ts-expect-error declared nowhere
  client.on('Invioce.Create', () => {})
})

it('knows what else it tells', () => {
  client.on('state', (change) => expectTypeOf(change).toEqualTypeOf<SyncClientStateChange>())
  client.on('error', (error) => expectTypeOf(error).toEqualTypeOf<SyncClientError>())
})

it('takes what a platform has for fetch', () => {
  expectTypeOf<typeof globalThis.fetch>().toExtend<SyncFetch>()
})

it('knows the values of properties by their names', () => {
  const state = observable<{ title: string; count?: number }>({ title: '' })
  state.subscribe('title', (value, previous) => {
    expectTypeOf(value).toEqualTypeOf<string>()
    expectTypeOf(previous).toEqualTypeOf<string | undefined>()
  })
  state.subscribe((name, value) => {
    expectTypeOf(name).toEqualTypeOf<'title' | 'count'>()
    expectTypeOf(value).toEqualTypeOf<string | number | undefined>()
  })
  // @ts-expect-error a number
  const wrong = () => state.subscribe('title', (value: number) => value)
  expectTypeOf(wrong).toBeFunction()
  expectTypeOf(state.properties.title).toEqualTypeOf<string>()
  expectTypeOf(state.getSnapshot).toExtend<() => { readonly title: string }>()
  expectTypeOf(state.subscribe).toExtend<(onStoreChange: () => void) => () => void>()
  expectTypeOf(createPropertyDictionary().get('any')).toEqualTypeOf<unknown>()
})
