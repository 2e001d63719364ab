import { z } from 'zod'
import { defineEntity } from '../entity/define-entity.ts'
import { line, refersTo, text } from '../entity/fields.ts'

/** Sites of a tenant that belong together. Those of a group for synchronization are kept equal to its primary site. */
export const siteGroup = defineEntity({
  name: 'SiteGroup',
  noun: 'A group of sites',
  scope: 'tenant',
  migration: '0022-site-group',
  fields: {
    name: text(line(100).min(1)),
    type: text(z.enum(['Synchronization', 'ChangeDetection', 'Localization'])),
    primarySiteId: refersTo('Site'),
  },
  unique: ['tenantId', 'name'],
  taken: 'There already is a group of that name.',
  isPublic: false,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    SiteGroup: typeof siteGroup
  }
}
