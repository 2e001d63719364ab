import { z } from 'zod'
import { defineEntity } from '../entity/define-entity.ts'
import { line, lines, partOf, text, textOfHost, withheld } from '../entity/fields.ts'

/** A message to a user. What it says is for its reader alone, and travels to no consumer. */
export const notification = defineEntity({
  name: 'Notification',
  noun: 'A notification',
  scope: 'site',
  migration: '0013-notification',
  fields: {
    toUserId: partOf('User'),
    subject: withheld(text(line(200).min(1))),
    body: withheld(text(lines(10_000).default(''))),
    createdOn: textOfHost(z.iso.datetime()),
  },
  isPublic: false,
  columns: (_input, _writing, before) => ({ createdOn: before?.createdOn ?? new Date().toISOString() }),
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Notification: typeof notification
  }
}
