import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { partOf } from '../entity/fields.ts'

/** That a site, the one of the row, belongs to a group. */
export const siteGroupMember = defineEntity({
  name: 'SiteGroupMember',
  noun: 'The membership of a site in a group',
  scope: 'site',
  site: 'chosen',
  migration: '0023-site-group-member',
  fields: { siteGroupId: partOf('SiteGroup') },
  unique: ['siteGroupId', 'siteId'],
  taken: 'The site already is a member of that group.',
  isPublic: false,
  also: refreshSite,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    SiteGroupMember: typeof siteGroupMember
  }
}
