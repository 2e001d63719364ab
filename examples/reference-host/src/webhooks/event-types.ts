import type { JsonValue } from '@x/events-core'
import type { WebhookSender } from '@x/sender'
import { z } from 'zod'
import { entityKinds } from '../entities/entity-kinds.ts'

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
  Tenant: {
    noun: 'A tenant',
    properties: { tenantId: id, name: text },
    example: { tenantId: 1, name: 'Master' },
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

const OTHERS = {
  'File.Download': 'A file was handed out to somebody.',
  'Host.Reload': 'The host has started: whoever shows its pages should load them anew.',
  'Site.Refresh': 'Something that a site shows has changed.',
  'User.Login': 'A user has logged in.',
  'User.Logout': 'A user has logged out.',
}

/** Tells consumers what they can subscribe to, and what it looks like. */
export function defineEventTypes({ eventTypes }: WebhookSender): void {
  for (const [entity, { noun, properties, example }] of Object.entries(entities)) {
    const schema = { type: 'object', properties, required: Object.keys(properties) }
    for (const [action, what] of Object.entries(CHANGES)) {
      eventTypes.define({ type: `${entity}.${action}`, description: `${noun} ${what}.`, schema, example })
    }
  }
  for (const { entityName, schema, data } of entityKinds) {
    const properties = Object.entries(z.toJSONSchema(schema).properties ?? {})
    const told = properties.filter(([name]) => data === undefined || data.some((column) => column === name))
    for (const [action, what] of Object.entries(CHANGES)) {
      eventTypes.define({
        type: `${entityName}.${action}`,
        description: `Of the kind ${entityName}, one ${what}.`,
        schema: { type: 'object', properties: Object.fromEntries(told) },
      })
    }
  }
  for (const [type, description] of Object.entries(OTHERS)) eventTypes.define({ type, description })
}
