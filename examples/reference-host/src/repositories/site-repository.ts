import { EntityNames, SyncEventActions, siteKeyOf } from '@x/events-core'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { Site, SiteInput } from '../domain/site.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import { insertSite } from './insert-site.ts'
import { requireSite } from './owned-rows.ts'
import type { RepositoryServices } from './repository-services.ts'

/** The sites of one tenant. */
export class SiteRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager
  readonly #cache: RepositoryServices['hostCache']

  constructor({ engine, tenantManager, hostCache }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
    this.#cache = hostCache
  }

  async getSites(): Promise<Site[]> {
    return this.#ownSites().orderBy('siteId').execute()
  }

  async getSite(siteId: number): Promise<Site | undefined> {
    return this.#cache.sites.read(this.#siteKeyOf(siteId), () =>
      this.#ownSites().where('siteId', '=', siteId).executeTakeFirst(),
    )
  }

  async addSite({ name }: SiteInput): Promise<Site> {
    const { site } = await this.#engine.transaction(({ trx }) =>
      insertSite(trx, this.#tenantManager.tenantId, name),
    )
    this.#forget(site.siteId)
    return site
  }

  async updateSite(siteId: number, { name }: SiteInput): Promise<Site> {
    const { tenantId } = this.#tenantManager
    const updated = await this.#engine.transaction(async ({ trx, raise }) => {
      const before = await requireSite(trx, tenantId, siteId)
      // No change, no event: nor is there anything that clients had to fetch again.
      if (before.name === name) return before
      const site = await trx
        .updateTable('site')
        .set({ name })
        .where('siteId', '=', siteId)
        .returningAll()
        .executeTakeFirstOrThrow()
      await raise(site, EntityNames.Site, siteId, SyncEventActions.Refresh)
      return site
    })
    this.#forget(siteId)
    return updated
  }

  async deleteSite(siteId: number): Promise<void> {
    const { tenantId } = this.#tenantManager
    const used = 'The site still has an alias, pages, folders or files; remove them first.'
    await explainConflicts({ used }, () =>
      this.#engine.transaction(async ({ trx }) => {
        await trx
          .deleteFrom('folder')
          .where('siteId', '=', siteId)
          .where('tenantId', '=', tenantId)
          .where('parentId', 'is', null)
          .execute()
        const site = await trx
          .deleteFrom('site')
          .where('siteId', '=', siteId)
          .where('tenantId', '=', tenantId)
          .returningAll()
          .executeTakeFirst()
        if (!site) throw new EntityNotFoundError(EntityNames.Site, siteId)
      }),
    )
    this.#forget(siteId)
  }

  #siteKeyOf(siteId: number): string {
    return siteKeyOf({ tenantId: this.#tenantManager.tenantId, siteId })
  }

  /** Other nodes hear of it by the event; who has just changed something here reads it at once. */
  #forget(siteId: number): void {
    this.#cache.sites.remove(this.#siteKeyOf(siteId))
  }

  #ownSites() {
    return this.#engine.db.selectFrom('site').selectAll().where('tenantId', '=', this.#tenantManager.tenantId)
  }
}
