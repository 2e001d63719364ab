import { settingNameOf } from '@x/events-core'
import { z } from 'zod'
import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { requireRow } from '../entity/entity-repository.ts'
import { entityId, integer, line, text, withheld } from '../entity/fields.ts'

const OWNERS = [
  'Tenant',
  'Site',
  'Folder',
  'Page',
  'PageModule',
  'Module',
  'ModuleDefinition',
  'User',
] as const

/** A named value that belongs to another entity. Its value may be a secret: it stays here, for those with a token. */
export const setting = defineEntity({
  name: 'Setting',
  noun: 'A setting',
  scope: 'site',
  site: 'derived',
  migration: '0010-setting',
  fields: {
    entityName: text(z.enum(OWNERS)),
    entityId: integer(entityId),
    name: text(line(200).min(1)),
    value: withheld(text(line(2_000))),
  },
  unique: ['tenantId', 'entityName', 'entityId', 'name'],
  taken: 'There already is a setting of that name.',
  isPublic: false,
  isSynchronized: true,
  belongsTo: { entityName: 'entityName', entityId: 'entityId' },
  async columns({ entityName, entityId: id }, writing) {
    const { siteId = writing.siteId } = await requireRow(writing, entityName, id)
    return { siteId }
  },
  eventsOf: {
    names: OWNERS.map(settingNameOf),
    nameOf: (row) => settingNameOf(row.entityName),
  },
  also({ entityName, entityId: id, siteId }) {
    if (entityName === 'User') return [{ entityName, entityId: id, action: 'Update' }]
    const isShown = ['Site', 'Page', 'Module'].includes(entityName)
    return isShown ? refreshSite({ siteId }) : []
  },
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Setting: typeof setting
  }
}
