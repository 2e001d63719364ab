import { expectTypeOf, it } from 'vitest'
import type {
  EntityData,
  EntityName,
  EventTypePattern,
  ISyncManager,
  JsonValue,
  SyncEventAction,
  WebhookPayload,
} from '../src/index.ts'

interface Invoice {
  invoiceId: number
  total: string
}

declare module '../src/entity-types.ts' {
  interface EntityTypes {
    Invoice: Invoice
  }
}

declare const syncManager: ISyncManager
const alias = { tenantId: 1, siteId: 1 }

it("knows the host's own entities by declaration merging", () => {
  expectTypeOf<'Invoice'>().toExtend<EntityName>()
  expectTypeOf<EntityData<'Invoice'>>().toEqualTypeOf<Invoice>()
  expectTypeOf<EntityData<'File'>>().toEqualTypeOf<JsonValue>()
  expectTypeOf<WebhookPayload<'Invoice.Create'>['data']['entity']>().toEqualTypeOf<Invoice | undefined>()
})

it('knows the names of settings, and no misspelled name', () => {
  expectTypeOf<'SiteSetting'>().toExtend<EntityName>()
  expectTypeOf<'Fiel'>().not.toExtend<EntityName>()
})

it('leaves actions open until the host names its own', () => {
  expectTypeOf<'Approved'>().toExtend<SyncEventAction>()
  expectTypeOf<'invoice.paid'>().toExtend<EventTypePattern>()
  expectTypeOf<string>().toExtend<EventTypePattern>()
})

it('checks what is raised', () => {
  const raise = () => {
    syncManager.addSyncEvent(alias, 'Invoice', 1, 'Create', { data: { invoiceId: 1, total: '9.90' } })
    syncManager.addSyncEvent(alias, 'File', 1, 'Download')
    // @ts-expect-error a number where the host declared a text
    syncManager.addSyncEvent(alias, 'Invoice', 1, 'Create', { data: { invoiceId: 1, total: 9.9 } })
    // @ts-expect-error no such entity
    syncManager.addSyncEvent(alias, 'Fiel', 1, 'Download')
    // @ts-expect-error not JSON
    syncManager.addSyncEvent(alias, 'File', 1, 'Update', { data: { at: 1n } })
  }
  expectTypeOf(raise).toBeFunction()
})
