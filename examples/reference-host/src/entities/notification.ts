import { z } from 'zod'
import { entityId, line, text } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind } from './entity-kind.ts'

const notification = z.object({
  notificationId: entityId,
  tenantId: entityId,
  siteId: entityId,
  toUserId: entityId,
  subject: z.string(),
  body: z.string(),
  createdOn: z.string(),
})

/** A message to a user. */
export type Notification = Readonly<z.infer<typeof notification>>

// What it says is for its reader alone, and travels to no consumer.
declare module '@x/events-core' {
  interface EntityTypes {
    Notification: Omit<Notification, 'subject' | 'body'>
  }
}

const notificationInput = z.object({
  toUserId: entityId,
  subject: line(200).min(1),
  body: text(10_000).default(''),
})

export const notificationKind = entityKind<Notification, z.infer<typeof notificationInput>>({
  table: 'notification',
  key: 'notificationId',
  entityName: 'Notification',
  schema: notification,
  input: notificationInput,
  isPublic: false,
  data: ['notificationId', 'tenantId', 'siteId', 'toUserId', 'createdOn'],
  taken: 'The notification is there already.',
  async values(input, writing, before) {
    const { siteId } = await requireRow(writing, 'User', input.toUserId)
    return {
      ...input,
      siteId: before?.siteId ?? siteId,
      createdOn: before?.createdOn ?? new Date().toISOString(),
    }
  },
})
