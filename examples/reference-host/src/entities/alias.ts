import type { Alias } from '@x/events-core'
import { z } from 'zod'
import { entityId } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind } from './entity-kind.ts'

const alias = z.object({ aliasId: entityId, tenantId: entityId, siteId: entityId, name: z.string() })

const aliasInput = z.object({
  /** The site of the request's alias when left out. */
  siteId: entityId.optional(),
  name: z
    .string()
    .toLowerCase()
    .regex(
      /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/,
      'must be a host name, with a port or without',
    ),
})

/**
 * The names that sites are reached under. Who is first has a name, as this host cannot tell whose it
 * is; one for strangers would ask for a proof, such as a record in the name's DNS zone.
 */
export const aliasKind = entityKind<Readonly<z.infer<typeof alias>> & Alias, z.infer<typeof aliasInput>>({
  table: 'alias',
  key: 'aliasId',
  entityName: 'Alias',
  schema: alias,
  input: aliasInput,
  isPublic: false,
  taken: 'The name is taken.',
  async values({ siteId, name }, writing, before) {
    return { name, ...(await requireRow(writing, 'Site', siteId ?? before?.siteId ?? writing.siteId)) }
  },
})
