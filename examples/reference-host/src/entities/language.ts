import { z } from 'zod'
import { entityId, line } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind, refreshSite } from './entity-kind.ts'

const language = z.object({
  languageId: entityId,
  tenantId: entityId,
  siteId: entityId,
  code: z.string(),
  name: z.string(),
})

/** A language that a site is there in. */
export type Language = Readonly<z.infer<typeof language>>

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    Language: Language
  }
}

const languageInput = z.object({
  /** The site of the request's alias when left out. */
  siteId: entityId.optional(),
  code: z.string().regex(/^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$/, 'must be a language tag: de, pt-BR'),
  name: line(100).min(1),
})

/** Languages stay on their site. */
export const languageKind = entityKind<Language, z.infer<typeof languageInput>>({
  table: 'language',
  key: 'languageId',
  entityName: 'Language',
  schema: language,
  input: languageInput,
  isPublic: true,
  taken: 'The site already has that language.',
  async values({ siteId, code, name }, writing, before) {
    return { code, name, ...(await requireRow(writing, 'Site', before?.siteId ?? siteId ?? writing.siteId)) }
  },
  also: refreshSite,
})
