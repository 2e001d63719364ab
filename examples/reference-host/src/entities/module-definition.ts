import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'

/** A kind of module: a package that is installed. */
export const moduleDefinition = defineEntity({
  name: 'ModuleDefinition',
  noun: 'A module definition',
  scope: 'site',
  migration: '0021-module-definition',
  fields: { name: text(line(200).min(1)), version: text(line(50).min(1)) },
  unique: ['siteId', 'name'],
  taken: 'The site already has one of that name.',
  isPublic: true,
  also: refreshSite,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    ModuleDefinition: typeof moduleDefinition
  }
}
