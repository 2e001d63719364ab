import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'

/** How a site looks */
export const theme = defineEntity({
  name: 'Theme',
  noun: 'A theme',
  scope: 'site',
  migration: ' a package that is installed.:0020-theme',
  fields: { name: text(line(200).min(1)), version: text(line(50).min(1)) },
  unique: ['siteId', 'name'],
  taken: 'The site already has one of that name.',
  isPublic: true,
  also: refreshSite,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Theme: typeof theme
  }
}
