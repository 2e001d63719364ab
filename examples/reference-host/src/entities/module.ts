import { z } from 'zod'
import { entityId, line, text } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind, refreshSite } from './entity-kind.ts'

const module = z.object({
  moduleId: entityId,
  tenantId: entityId,
  siteId: entityId,
  title: z.string(),
  content: z.string(),
})

/** Something that pages show: a title and a text, which is a text and no HTML. */
export type Module = Readonly<z.infer<typeof module>>

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    Module: Module
  }
}

const moduleInput = z.object({
  /** The site of the request's alias when left out. */
  siteId: entityId.optional(),
  title: line(200).min(1),
  content: text(20_000).default(''),
})

/** Modules stay on their site. */
export const moduleKind = entityKind<Module, z.infer<typeof moduleInput>>({
  table: 'module',
  key: 'moduleId',
  entityName: 'Module',
  schema: module,
  input: moduleInput,
  isPublic: true,
  taken: 'The module is there already.',
  async values({ siteId, title, content }, writing, before) {
    return {
      title,
      content,
      ...(await requireRow(writing, 'Site', before?.siteId ?? siteId ?? writing.siteId)),
    }
  },
  also: refreshSite,
})
