// Type-checked alone: what it declares holds for the whole program.
import { createSyncClient } from '@x/client'
import type { EventTypePattern, ISyncManager, SyncEventAction } from '@x/events-core'
import type { EventEngine } from '@x/events-engine'
import { createReceiver, type Receiver } from '@x/receiver'
import type { WebhookSender } from '@x/sender'

declare module '@x/events-core' {
  interface EntityTypes {
    Invoice: { invoiceId: number }
  }
  interface ActionTypes {
    Paid: true
  }
}

declare const syncManager: ISyncManager
declare const engine: EventEngine
declare const sender: WebhookSender
declare const receiver: Receiver

const site = { tenantId: 1, siteId: 1 }
const url = 'https://consumer.example/hook'
const subscriber = { entityChanged() {} }

export const actions: SyncEventAction[] = [
  'Paid',
  'Create',
  'Update',
  'Delete',
  'Refresh',
  'Reload',
  'Download',
]
// @ts-expect-error misspelled
export const misspelled: SyncEventAction = 'Piad'
export const patterns: EventTypePattern[] = ['Invoice.Paid', 'Invoice.*', '*.Paid', '*', 'Webhook.Challenge']

export async function raise() {
  await syncManager.addSyncEvent(site, 'Invoice', 7, 'Paid')
  // @ts-expect-error misspelled
  await syncManager.addSyncEvent(site, 'Invoice', 7, 'Piad')
  await engine.syncManager.addSyncEvent(site, 'Invoice', 7, 'Paid')
  // @ts-expect-error misspelled
  await engine.syncManager.addSyncEvent(site, 'Invoice', 7, 'Piad')
  await engine.transaction(async ({ raise }) => {
    await raise(site, 'Invoice', 7, 'Paid')
    // @ts-expect-error misspelled
    await raise(site, 'Invoice', 7, 'Piad')
  })
}

export async function subscribe() {
  await engine.subscribe(subscriber, { name: 'a', mode: 'durable', filter: ['Invoice.Paid', '*.Delete'] })
  // @ts-expect-error misspelled
  await engine.subscribe(subscriber, { name: 'a', mode: 'durable', filter: 'Invoice.Piad' })
  // @ts-expect-error misspelled
  await engine.subscribe(subscriber, { name: 'a', mode: 'durable', filter: ['Invoice.Paid', '*.Piad'] })
}

export async function send(id: string) {
  await sender.endpoints.create({
    tenantId: 1,
    url,
    eventTypes: ['Invoice.Paid', 'File.*', 'WebhookEndpoint.Failing'],
  })
  // @ts-expect-error misspelled
  await sender.endpoints.create({ tenantId: 1, url, eventTypes: ['Invoice.Piad'] })
  // @ts-expect-error no such entity
  await sender.endpoints.update(id, { eventTypes: ['Invoce.*'] })
  await sender.eventTypes.define({ type: 'Invoice.Paid', description: 'Paid.' })
  // @ts-expect-error misspelled
  await sender.eventTypes.define({ type: 'Invoice.Piad', description: 'Paid.' })
}

export function receive() {
  receiver.on('Invoice.Paid', (event) => event.data.entity?.invoiceId)
  receiver.on('*.Paid', (event) => event.type)
  receiver.on('Webhook.Test', (event) => event.type)
  // @ts-expect-error misspelled
  receiver.on('Invoice.Piad', () => {})
  // @ts-expect-error misspelled
  receiver.on('*.Piad', () => {})
  const ofAnother = createReceiver<{ 'order.payment.failed': { orderId: string } }>({ secrets: '' })
  ofAnother.on('order.payment.failed', (event) => event.data.orderId)
  ofAnother.on('order.*', (event) => event.data.orderId)
  ofAnother.on('order.payment.*', (event) => event.data.orderId)
  ofAnother.on('*.failed', (event) => event.data.orderId)
  // @ts-expect-error misspelled
  ofAnother.on('order.payment.faild', () => {})
  createReceiver<Record<string, { id: string }>>({ secrets: '' }).on('whatever.it.is', (event) => event.id)
}

export function follow() {
  const client = createSyncClient({ url })
  client.on('Invoice.Paid', (event) => event.data?.invoiceId)
  client.on('*.Refresh', () => {})
  client.on('refresh', () => {})
  // @ts-expect-error misspelled
  client.on('Invoice.Piad', () => {})
}
