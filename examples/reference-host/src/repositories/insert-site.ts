import type { Transaction } from 'kysely'
import type { HostTables } from '../database/tables.ts'
import type { Folder } from '../domain/folder.ts'
import type { Site } from '../domain/site.ts'

/** Inserts a site and its root folder, so that files have somewhere to go from the start. */
export async function insertSite(
  trx: Transaction<HostTables>,
  tenantId: number,
  name: string,
): Promise<{ site: Site; folder: Folder }> {
  const site = await trx
    .insertInto('site')
    .values({ tenantId, name })
    .returningAll()
    .executeTakeFirstOrThrow()
  const folder = await trx
    .insertInto('folder')
    .values({ tenantId, siteId: site.siteId, parentId: null, name: 'Files' })
    .returningAll()
    .executeTakeFirstOrThrow()
  return { site, folder }
}
