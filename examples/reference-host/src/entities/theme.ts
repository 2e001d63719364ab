import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'

/** How a site looks: a package that is installed. */
export const theme = defineEntity({
  name: 'Theme',
  noun: 'A theme',
  scope: 'site',
  migration: '0020-theme',
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
