import { ALL_SITES, ALL_TENANTS, EntityNames } from '@x/events-core'
import type { CaptureTableOptions, EventEngine } from '@x/events-engine'
import { entityKinds } from '../entities/entity-kinds.ts'
import type { HostTables } from './tables.ts'

type Capture = CaptureTableOptions<HostTables>

const ownTenant = { column: 'tenantId' }
const ownSite = { column: 'siteId' }

/**
 * The host's entities. The database raises Create, Update and Delete for each change of their rows,
 * whoever makes it. Events travel to every URL that somebody has configured; so what they carry is
 * listed, here and with the entity's kind, and leaves out where a file's bytes are kept, the addresses of
 * users, what notifications say and the values of settings.
 */
const captures: readonly Capture[] = [
  {
    table: 'tenant',
    entityName: EntityNames.Tenant,
    entityId: 'tenantId',
    tenantId: ownTenant,
    siteId: ALL_SITES,
    data: ['tenantId', 'name'],
  },
  {
    table: 'site',
    entityName: EntityNames.Site,
    entityId: 'siteId',
    tenantId: ownTenant,
    siteId: ownSite,
    data: ['siteId', 'tenantId', 'name'],
  },
  {
    table: 'folder',
    entityName: EntityNames.Folder,
    entityId: 'folderId',
    tenantId: ownTenant,
    siteId: ownSite,
    data: ['folderId', 'tenantId', 'siteId', 'parentId', 'name'],
  },
  {
    table: 'file',
    entityName: EntityNames.File,
    entityId: 'fileId',
    tenantId: ownTenant,
    siteId: ownSite,
    data: ['fileId', 'tenantId', 'siteId', 'folderId', 'name', 'contentType', 'size', 'createdOn'],
  },
  {
    table: 'page',
    entityName: EntityNames.Page,
    entityId: 'pageId',
    tenantId: ownTenant,
    siteId: ownSite,
    data: ['pageId', 'tenantId', 'siteId', 'name', 'title', 'path'],
  },
  {
    table: 'user',
    entityName: EntityNames.User,
    entityId: 'userId',
    tenantId: ownTenant,
    // Users belong to no site: their events carry the one that somebody came in by, where somebody did.
    siteId: 'context',
    onMissingContext: { tenantId: ALL_TENANTS, siteId: ALL_SITES },
    data: ['userId', 'tenantId', 'username', 'displayName'],
  },
  ...entityKinds.map(
    ({ table, entityName, key, schema, data }): Capture => ({
      table,
      entityName: EntityNames[entityName],
      entityId: key,
      tenantId: ownTenant,
      siteId: ownSite,
      data: data ?? Object.keys(schema.shape),
    }),
  ),
]

/** Sees to the triggers; where they are up to date, it does nothing. */
export async function captureEntities(engine: EventEngine<HostTables>): Promise<void> {
  for (const capture of captures) await engine.captureTable(capture)
}
