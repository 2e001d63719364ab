import { defineEntity } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'

/** What users of a site may be. The members of `Administrators` may do what the tenant's tokens may. */
export const role = defineEntity({
  name: 'Role',
  noun: 'A role',
  scope: 'site',
  migration: '0008-role',
  fields: { name: text(line(100).min(1)) },
  unique: ['siteId', 'name'],
  taken: 'The site already has a role of that name.',
  isPublic: false,
  isSynchronized: true,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Role: typeof role
  }
}
