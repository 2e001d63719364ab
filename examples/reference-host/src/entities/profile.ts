import { defineEntity } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'

/** A property that users of a site have: its name, and how it is shown. */
export const profile = defineEntity({
  name: 'Profile',
  noun: 'A property of users',
  scope: 'site',
  migration: '0019-profile',
  fields: { name: text(line(50).min(1)), title: text(line(100).min(1)) },
  unique: ['siteId', 'name'],
  taken: 'The site already has a property of that name.',
  isPublic: true,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Profile: typeof profile
  }
}
