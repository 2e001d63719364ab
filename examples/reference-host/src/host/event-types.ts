import type { WebhookSender } from '@x/sender'
import { z } from 'zod'
import { entities } from '../entities/entities.ts'

const CHANGES = { Create: 'was added', Update: 'was changed', Delete: 'was deleted' }

const OTHERS = {
  'File.Download': 'A file was handed out.',
  'Host.Reload': 'The host has started: clients should load their application again.',
  'Site.Refresh': 'Something that a site shows has changed.',
  'Site.Reload': 'A site is shown in another way: clients should load their application again.',
  'User.Login': 'A user has logged in.',
  'User.Logout': 'A user has logged out.',
  'User.Reload': 'What a user may see and do has changed.',
}

/** Tells consumers what they can subscribe to, and what it looks like. */
export function defineEventTypes({ eventTypes }: WebhookSender): void {
  for (const { name, noun, schema, data, example, eventsOf } of entities) {
    const all = Object.entries(z.toJSONSchema(schema).properties ?? {})
    const properties = Object.fromEntries(all.filter(([property]) => data.includes(property)))
    const names = eventsOf?.names ?? [name]
    for (const [action, what] of Object.entries(CHANGES)) {
      for (const entityName of names)
        eventTypes.define({
          type: `${entityName}.${action}`,
          description: `${noun} ${what}.`,
          schema: { type: 'object', properties, required: Object.keys(properties) },
          ...(example && { example }),
        })
    }
  }
  for (const [type, description] of Object.entries(OTHERS)) eventTypes.define({ type, description })
}
