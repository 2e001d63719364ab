import { EntityNames, SyncEventActions } from '@x/events-core'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { Site, SiteInput } from '../domain/site.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import { insertSite } from './insert-site.ts'
import type { RepositoryServices } from './repository-services.ts'

/** The sites of one tenant. */
export class SiteRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager

  constructor({ engine, tenantManager }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
  }

  async getSites(): Promise<Site[]> {
    return this.#ownSites().orderBy('siteId').execute()
  }

  async getSite(siteId: number): Promise<Site | undefined> {
    return this.#ownSites().where('siteId', '=', siteId).executeTakeFirst()
  }

  async addSite({ name }: SiteInput): Promise<Site> {
    return this.#engine.transaction(async (transaction) => {
      const { site } = await insertSite(transaction, this.#tenantManager.tenantId, name)
      return site
    })
  }

  async updateSite(siteId: number, { name }: SiteInput): Promise<Site> {
    return this.#engine.transaction(async ({ trx, raise }) => {
      const site = await trx
        .updateTable('site')
        .set({ name })
        .where('siteId', '=', siteId)
        .where('tenantId', '=', this.#tenantManager.tenantId)
        .returningAll()
        .executeTakeFirst()
      if (!site) throw new EntityNotFoundError(EntityNames.Site, siteId)
      await raise(site, EntityNames.Site, siteId, SyncEventActions.Update, { data: site })
      await raise(site, EntityNames.Site, siteId, SyncEventActions.Refresh)
      return site
    })
  }

  async deleteSite(siteId: number): Promise<void> {
    const { tenantId } = this.#tenantManager
    const used = 'The site still has an alias, pages, folders or files; remove them first.'
    await explainConflicts({ used }, () =>
      this.#engine.transaction(async ({ trx, raise }) => {
        const roots = await trx
          .deleteFrom('folder')
          .where('siteId', '=', siteId)
          .where('tenantId', '=', tenantId)
          .where('parentId', 'is', null)
          .returningAll()
          .execute()
        for (const root of roots) {
          await raise(root, EntityNames.Folder, root.folderId, SyncEventActions.Delete, { data: root })
        }
        const site = await trx
          .deleteFrom('site')
          .where('siteId', '=', siteId)
          .where('tenantId', '=', tenantId)
          .returningAll()
          .executeTakeFirst()
        if (!site) throw new EntityNotFoundError(EntityNames.Site, siteId)
        await raise(site, EntityNames.Site, siteId, SyncEventActions.Delete, { data: site })
      }),
    )
  }

  #ownSites() {
    return this.#engine.db.selectFrom('site').selectAll().where('tenantId', '=', this.#tenantManager.tenantId)
  }
}
