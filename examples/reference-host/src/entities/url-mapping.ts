import { z } from 'zod'
import { entityId } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind, refreshSite } from './entity-kind.ts'

const urlMapping = z.object({
  urlMappingId: entityId,
  tenantId: entityId,
  siteId: entityId,
  path: z.string(),
  mappedPath: z.string(),
})

/** Where a site shows today what it once showed elsewhere. */
export type UrlMapping = Readonly<z.infer<typeof urlMapping>>

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    UrlMapping: UrlMapping
  }
}

// No scheme and no host: a mapping leads to another page of the site, and nowhere else.
const path = z.string().regex(/^[\p{L}\p{N}._~-][\p{L}\p{N}._~/-]{0,199}$/u, 'letters, digits and ._~/- only')

const urlMappingInput = z.object({
  /** The site of the request's alias when left out. */
  siteId: entityId.optional(),
  path,
  mappedPath: path,
})

/** Mappings stay on their site. */
export const urlMappingKind = entityKind<UrlMapping, z.infer<typeof urlMappingInput>>({
  table: 'urlMapping',
  key: 'urlMappingId',
  entityName: 'UrlMapping',
  schema: urlMapping,
  input: urlMappingInput,
  isPublic: true,
  taken: 'The site already maps that path.',
  async values({ siteId, ...paths }, writing, before) {
    return { ...paths, ...(await requireRow(writing, 'Site', before?.siteId ?? siteId ?? writing.siteId)) }
  },
  also: refreshSite,
})
