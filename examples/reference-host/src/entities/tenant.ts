import { defineEntity } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'

/** A customer of the installation, who must see nothing of the others. A tenant sees itself alone, and may change its name. */
export const tenant = defineEntity({
  name: 'Tenant',
  noun: 'A tenant',
  scope: 'installation',
  migration: '0001-tenant',
  fields: { name: text(line(200).min(1)) },
  isPublic: false,
  // Tenants are added where the installation is looked after: see host/tenants.ts.
  operations: ['list', 'get', 'update'],
  example: { tenantId: 1, name: 'Master' },
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Tenant: typeof tenant
  }
}
