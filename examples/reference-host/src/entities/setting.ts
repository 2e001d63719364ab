import { z } from 'zod'
import { entityId, line } from '../domain/input.ts'
import { type ReferredEntity, requireRow } from '../repositories/require-row.ts'
import { entityKind } from './entity-kind.ts'

const owners = z.enum(['Tenant', 'Site', 'Page', 'Module', 'User'] satisfies ReferredEntity[])

const setting = z.object({
  settingId: entityId,
  tenantId: entityId,
  siteId: entityId,
  entityName: z.string(),
  entityId,
  name: z.string(),
  value: z.string(),
})

/** A named value that belongs to another entity. */
export type Setting = Readonly<z.infer<typeof setting>>

// Its value may be a secret of somebody's; it stays here, for those with a token.
declare module '@x/events-core' {
  interface EntityTypes {
    Setting: Omit<Setting, 'value'>
  }
}

const settingInput = z.object({
  entityName: owners,
  entityId,
  name: line(200).min(1),
  value: line(2_000),
})

export const settingKind = entityKind<Setting, z.infer<typeof settingInput>>({
  table: 'setting',
  key: 'settingId',
  entityName: 'Setting',
  schema: setting,
  input: settingInput,
  isPublic: false,
  data: ['settingId', 'tenantId', 'siteId', 'entityName', 'entityId', 'name'],
  taken: 'There already is a setting of that name.',
  async values(input, writing) {
    return { ...input, ...(await requireRow(writing, input.entityName, input.entityId)) }
  },
})
