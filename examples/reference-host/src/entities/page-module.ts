import { z } from 'zod'
import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { integer, line, partOf, text } from '../entity/fields.ts'

/** Where a page shows a module of its site. */
export const pageModule = defineEntity({
  name: 'PageModule',
  noun: 'The place of a module on a page',
  scope: 'site',
  migration: '0012-page-module',
  fields: {
    pageId: partOf('Page'),
    moduleId: partOf('Module'),
    pane: text(line(50).min(1).default('Content')),
    position: integer(z.int().min(0).max(10_000).default(0)),
  },
  unique: ['pageId', 'moduleId'],
  taken: 'The page already shows that module.',
  isPublic: true,
  isSynchronized: true,
  also: refreshSite,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    PageModule: typeof pageModule
  }
}
