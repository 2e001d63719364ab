import { SyncEventActions } from '@x/events-core'
import { z } from 'zod'
import { entityId } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind } from './entity-kind.ts'

const userRole = z.object({
  userRoleId: entityId,
  tenantId: entityId,
  siteId: entityId,
  userId: entityId,
  roleId: entityId,
})

/** Who has which role, on the role's site. */
export type UserRole = Readonly<z.infer<typeof userRole>>

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    UserRole: UserRole
  }
}

const userRoleInput = z.object({ userId: entityId, roleId: entityId })

export const userRoleKind = entityKind<UserRole, z.infer<typeof userRoleInput>>({
  table: 'userRole',
  key: 'userRoleId',
  entityName: 'UserRole',
  schema: userRole,
  input: userRoleInput,
  isPublic: false,
  taken: 'The user already has that role.',
  async values({ userId, roleId }, writing) {
    await requireRow(writing, 'User', userId)
    return { userId, roleId, ...(await requireRow(writing, 'Role', roleId)) }
  },
  // What somebody may see and do is different now.
  also: ({ userId }) => ['User', userId, SyncEventActions.Reload],
})
