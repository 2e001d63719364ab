import { EntityNames } from '@x/events-core'
import type { Transaction } from 'kysely'
import { isPostgres } from '../database/dialect.ts'
import type { HostTables } from '../database/tables.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { Folder } from '../domain/folder.ts'
import type { Page } from '../domain/page.ts'
import type { Site } from '../domain/site.ts'

// What is changed, or something new is put into, must be the tenant's own. Asked within the transaction,
// and of no cache, so that it cannot be deleted in between: SQLite has one writer, PostgreSQL keeps the
// row from being deleted. The database would not mind another tenant's.

/** @throws EntityNotFoundError */
export async function requireSite(
  trx: Transaction<HostTables>,
  tenantId: number,
  siteId: number,
): Promise<Site> {
  const site = await trx
    .selectFrom('site')
    .selectAll()
    .where('siteId', '=', siteId)
    .where('tenantId', '=', tenantId)
    .$if(isPostgres(trx), (query) => query.forKeyShare())
    .executeTakeFirst()
  if (!site) throw new EntityNotFoundError(EntityNames.Site, siteId)
  return site
}

/** @throws EntityNotFoundError */
export async function requirePage(
  trx: Transaction<HostTables>,
  tenantId: number,
  pageId: number,
): Promise<Page> {
  const page = await trx
    .selectFrom('page')
    .selectAll()
    .where('pageId', '=', pageId)
    .where('tenantId', '=', tenantId)
    .$if(isPostgres(trx), (query) => query.forKeyShare())
    .executeTakeFirst()
  if (!page) throw new EntityNotFoundError(EntityNames.Page, pageId)
  return page
}

/** @throws EntityNotFoundError */
export async function requireFolder(
  trx: Transaction<HostTables>,
  tenantId: number,
  folderId: number,
): Promise<Folder> {
  const folder = await trx
    .selectFrom('folder')
    .selectAll()
    .where('folderId', '=', folderId)
    .where('tenantId', '=', tenantId)
    .$if(isPostgres(trx), (query) => query.forKeyShare())
    .executeTakeFirst()
  if (!folder) throw new EntityNotFoundError(EntityNames.Folder, folderId)
  return folder
}

/** @throws EntityNotFoundError */
export async function requireRootFolder(
  trx: Transaction<HostTables>,
  tenantId: number,
  siteId: number,
): Promise<Folder> {
  const folder = await trx
    .selectFrom('folder')
    .selectAll()
    .where('parentId', 'is', null)
    .where('siteId', '=', siteId)
    .where('tenantId', '=', tenantId)
    .$if(isPostgres(trx), (query) => query.forKeyShare())
    .executeTakeFirst()
  if (!folder) throw new EntityNotFoundError(EntityNames.Site, siteId)
  return folder
}
