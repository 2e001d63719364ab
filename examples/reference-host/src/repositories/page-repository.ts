import { EntityNames, SyncEventActions, siteKeyOf } from '@x/events-core'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import { type Page, type PageInput, pathOf } from '../domain/page.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import { requirePage, requireSite } from './owned-rows.ts'
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
  readonly #cache: RepositoryServices['hostCache']

  constructor({ engine, tenantManager, hostCache }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
    this.#cache = hostCache
  }

  async getPages(): Promise<Page[]> {
    return this.#ownPages().orderBy('pageId').execute()
  }

  /** What clients fetch again upon the site's refresh. */
  async getSitePages(siteId: number): Promise<Page[] | undefined> {
    const { tenantId } = this.#tenantManager
    return this.#cache.sitePages.read(siteKeyOf({ tenantId, siteId }), () =>
      this.#ownPages().where('siteId', '=', siteId).orderBy('pageId').execute(),
    )
  }

  async getPage(pageId: number): Promise<Page | undefined> {
    return this.#ownPages().where('pageId', '=', pageId).executeTakeFirst()
  }

  async addPage(input: PageInput): Promise<Page> {
    const { tenantId } = this.#tenantManager
    const { name, title = name } = input
    const added = await explainConflicts({ taken: TAKEN }, () =>
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
    this.#forget(added)
    return added
  }

  /** A page stays on its site. */
  async updatePage(pageId: number, input: PageInput): Promise<Page> {
    const { tenantId } = this.#tenantManager
    const { name, title = name } = input
    const path = pathOf(input)
    const updated = await explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx, raise }) => {
        const before = await requirePage(trx, tenantId, pageId)
        // No change, no event: nor is there anything that clients had to fetch again.
        if (before.name === name && before.title === title && before.path === path) return before
        const page = await trx
          .updateTable('page')
          .set({ name, title, path })
          .where('pageId', '=', pageId)
          .returningAll()
          .executeTakeFirstOrThrow()
        await raise(page, EntityNames.Site, page.siteId, SyncEventActions.Refresh)
        await trx.updateTable('pagePath').set({ path }).where('pageId', '=', pageId).execute()
        return page
      }),
    )
    this.#forget(updated)
    return updated
  }

  async deletePage(pageId: number): Promise<void> {
    const deleted = await this.#engine.transaction(async ({ trx, raise }) => {
      const page = await trx
        .deleteFrom('page')
        .where('pageId', '=', pageId)
        .where('tenantId', '=', this.#tenantManager.tenantId)
        .returningAll()
        .executeTakeFirst()
      if (!page) throw new EntityNotFoundError(EntityNames.Page, pageId)
      await raise(page, EntityNames.Site, page.siteId, SyncEventActions.Refresh)
      return page
    })
    this.#forget(deleted)
  }

  /** Other nodes hear of it by the event; who has just changed something here reads it at once. */
  #forget(page: Page): void {
    this.#cache.sitePages.remove(siteKeyOf(page))
  }

  #ownPages() {
    const { tenantId } = this.#tenantManager
    return this.#engine.db.selectFrom('page').selectAll().where('tenantId', '=', tenantId)
  }
}
