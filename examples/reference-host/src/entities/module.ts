import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { line, lines, text } from '../entity/fields.ts'

/** Something that pages show: a title and a text, which is plain text and no HTML. */
export const module = defineEntity({
  name: 'Module',
  noun: 'A module',
  scope: 'site',
  migration: '0011-module',
  fields: { title: text(line(200).min(1)), content: text(lines(20_000).default('')) },
  isPublic: true,
  isSynchronized: true,
  also: refreshSite,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Module: typeof module
  }
}
