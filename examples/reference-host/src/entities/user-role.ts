import { defineEntity } from '../entity/define-entity.ts'
import { partOf } from '../entity/fields.ts'

/** Who has which role, on the role's site. */
export const userRole = defineEntity({
  name: 'UserRole',
  noun: 'The role of a user',
  scope: 'site',
  migration: '0009-user-role',
  fields: { userId: partOf('User'), roleId: partOf('Role') },
  unique: ['userId', 'roleId'],
  taken: 'The user already has that role.',
  isPublic: false,
  // What the user may see and do is different now.
  also: ({ userId }) => [{ entityName: 'User', entityId: userId, action: 'Reload' }],
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    UserRole: typeof userRole
  }
}
