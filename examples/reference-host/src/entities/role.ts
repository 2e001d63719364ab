import { z } from 'zod'
import { entityId, line } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind } from './entity-kind.ts'

const role = z.object({ roleId: entityId, tenantId: entityId, siteId: entityId, name: z.string() })

/** What users of a site may be. Who is one of its `Administrators` may do what its tokens may. */
export type Role = Readonly<z.infer<typeof role>>

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    Role: Role
  }
}

const roleInput = z.object({
  /** The site of the request's alias when left out. */
  siteId: entityId.optional(),
  name: line(100).min(1),
})

/** Roles stay on their site. */
export const roleKind = entityKind<Role, z.infer<typeof roleInput>>({
  table: 'role',
  key: 'roleId',
  entityName: 'Role',
  schema: role,
  input: roleInput,
  isPublic: false,
  taken: 'The site already has a role of that name.',
  async values({ name, siteId }, writing, before) {
    return { name, ...(await requireRow(writing, 'Site', before?.siteId ?? siteId ?? writing.siteId)) }
  },
})
