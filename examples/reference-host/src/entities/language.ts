import { z } from 'zod'
import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'

const TAG = /^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$/

/** A language that a site is there in. */
export const language = defineEntity({
  name: 'Language',
  noun: 'A language of a site',
  scope: 'site',
  migration: '0014-language',
  fields: {
    code: text(z.string().regex(TAG, 'must be a language tag: de, pt-BR')),
    name: text(line(100).min(1)),
  },
  unique: ['siteId', 'code'],
  taken: 'The site already has that language.',
  isPublic: true,
  isSynchronized: true,
  also: refreshSite,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Language: typeof language
  }
}
