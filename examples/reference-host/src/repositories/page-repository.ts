import { EntityNames, SyncEventActions } from '@x/events-core'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import { type Page, type PageInput, pathOf } from '../domain/page.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import { requireSite } from './owned-rows.ts'
import type { RepositoryServices } from './repository-services.ts'

const TAKEN = 'The site already shows a page at that path; choose another name or path.'

/**
 * The pages of one tenant's sites. A page that changes is told of twice, as the framework does: the
 * database raises the page's change, and the repository the site's refresh, upon which clients fetch
 * their pages again.
 */
export class PageRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager

  constructor({ engine, tenantManager }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
  }

  async getPages(): Promise<Page[]> {
    return this.#ownPages().orderBy('pageId').execute()
  }

  async getPage(pageId: number): Promise<Page | undefined> {
    return this.#ownPages().where('pageId', '=', pageId).executeTakeFirst()
  }

  async addPage(input: PageInput): Promise<Page> {
    const { tenantId } = this.#tenantManager
    const { name, title = name } = input
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx, raise }) => {
        const wanted = input.siteId ?? this.#tenantManager.getAlias().siteId
        const { siteId } = await requireSite(trx, tenantId, wanted)
        const page = await trx
          .insertInto('page')
          .values({ tenantId, siteId, name, title, path: pathOf(input) })
          .returningAll()
          .executeTakeFirstOrThrow()
        await raise(page, EntityNames.Site, siteId, SyncEventActions.Refresh)
        // Refused when the path is taken; then neither the page nor the two events ever happened.
        await trx.insertInto('pagePath').values({ siteId, path: page.path, pageId: page.pageId }).execute()
        return page
      }),
    )
  }

  /** A page stays on its site. */
  async updatePage(pageId: number, input: PageInput): Promise<Page> {
    const { name, title = name } = input
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx, raise }) => {
        const page = await trx
          .updateTable('page')
          .set({ name, title, path: pathOf(input) })
          .where('pageId', '=', pageId)
          .where('tenantId', '=', this.#tenantManager.tenantId)
          .returningAll()
          .executeTakeFirst()
        if (!page) throw new EntityNotFoundError(EntityNames.Page, pageId)
        await raise(page, EntityNames.Site, page.siteId, SyncEventActions.Refresh)
        await trx.updateTable('pagePath').set({ path: page.path }).where('pageId', '=', pageId).execute()
        return page
      }),
    )
  }

  async deletePage(pageId: number): Promise<void> {
    await this.#engine.transaction(async ({ trx, raise }) => {
      const page = await trx
        .deleteFrom('page')
        .where('pageId', '=', pageId)
        .where('tenantId', '=', this.#tenantManager.tenantId)
        .returningAll()
        .executeTakeFirst()
      if (!page) throw new EntityNotFoundError(EntityNames.Page, pageId)
      await raise(page, EntityNames.Site, page.siteId, SyncEventActions.Refresh)
    })
  }

  #ownPages() {
    const { tenantId } = this.#tenantManager
    return this.#engine.db.selectFrom('page').selectAll().where('tenantId', '=', tenantId)
  }
}
