import { z } from 'zod'
import { defineEntity } from '../entity/define-entity.ts'
import { text } from '../entity/fields.ts'

// No scheme and no host: a mapping leads to another page of the site, and nowhere else.
const path = z.string().regex(/^[\p{L}\p{N}._~-][\p{L}\p{N}._~/-]{0,199}$/u, 'letters, digits and ._~/- only')

/** Where a site shows today what it once showed elsewhere. */
export const urlMapping = defineEntity({
  name: 'UrlMapping',
  noun: 'A URL mapping',
  scope: 'site',
  migration: '0015-url-mapping',
  fields: { path: text(path), mappedPath: text(path) },
  unique: ['siteId', 'path'],
  taken: 'The site already maps that path.',
  isPublic: true,
  isSynchronized: true,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    UrlMapping: typeof urlMapping
  }
}
