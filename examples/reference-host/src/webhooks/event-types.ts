import type { JsonValue } from '@x/events-core'
import type { WebhookSender } from '@x/sender'

const text = { type: 'string' } as const
const id = { type: 'integer' } as const
const time = { type: 'string', format: 'date-time' } as const

interface Described {
  readonly noun: string
  readonly properties: Readonly<Record<string, object>>
  readonly example: Readonly<Record<string, JsonValue>>
}

/** What tells of an entity: the columns that are captured (`capture-entities.ts`). */
const entities: Readonly<Record<string, Described>> = {
  File: {
    noun: 'A file',
    properties: {
      fileId: id,
      tenantId: id,
      siteId: id,
      folderId: id,
      name: text,
      contentType: text,
      size: { type: 'integer', minimum: 0 },
      createdOn: time,
    },
    example: {
      fileId: 7,
      tenantId: 1,
      siteId: 1,
      folderId: 1,
      name: 'report.pdf',
      contentType: 'application/pdf',
      size: 48213,
      createdOn: '2026-11-24T08:00:00.000Z',
    },
  },
  Folder: {
    noun: 'A folder',
    properties: {
      folderId: id,
      tenantId: id,
      siteId: id,
      parentId: { type: ['integer', 'null'] },
      name: text,
    },
    example: { folderId: 3, tenantId: 1, siteId: 1, parentId: 1, name: 'Reports' },
  },
  Page: {
    noun: 'A page',
    properties: { pageId: id, tenantId: id, siteId: id, name: text, title: text, path: text },
    example: { pageId: 12, tenantId: 1, siteId: 1, name: 'About', title: 'About us', path: 'about' },
  },
  Site: {
    noun: 'A site',
    properties: { siteId: id, tenantId: id, name: text },
    example: { siteId: 1, tenantId: 1, name: 'Main' },
  },
  User: {
    noun: 'A user',
    properties: { userId: id, tenantId: id, username: text, displayName: text },
    example: { userId: 5, tenantId: 1, username: 'ada', displayName: 'Ada' },
  },
}

const CHANGES = { Create: 'was added', Update: 'was changed', Delete: 'was deleted' }

/** Tells consumers what they can subscribe to, and what it looks like. */
export function defineEventTypes({ eventTypes }: WebhookSender): void {
  for (const [entity, { noun, properties, example }] of Object.entries(entities)) {
    const schema = { type: 'object', properties, required: Object.keys(properties) }
    for (const [action, what] of Object.entries(CHANGES)) {
      eventTypes.define({ type: `${entity}.${action}`, description: `${noun} ${what}.`, schema, example })
    }
  }
  eventTypes.define({ type: 'File.Download', description: 'A file was handed out to somebody.' })
}
