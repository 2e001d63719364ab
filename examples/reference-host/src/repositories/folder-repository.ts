import { EntityNames } from '@x/events-core'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityConflictError, EntityNotFoundError } from '../domain/errors.ts'
import type { Folder, FolderInput } from '../domain/folder.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import { requireFolder, requireRootFolder } from './owned-rows.ts'
import type { RepositoryServices } from './repository-services.ts'

const TAKEN = 'The folder already has one of that name.'

/** The folders of one tenant's sites. */
export class FolderRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager

  constructor({ engine, tenantManager }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
  }

  async getFolders(): Promise<Folder[]> {
    return this.#ownFolders().orderBy('folderId').execute()
  }

  async getFolder(folderId: number): Promise<Folder | undefined> {
    return this.#ownFolders().where('folderId', '=', folderId).executeTakeFirst()
  }

  async addFolder(input: FolderInput): Promise<Folder> {
    const { tenantId } = this.#tenantManager
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx }) => {
        const parent = await (input.parentId == null
          ? requireRootFolder(trx, tenantId, input.siteId ?? this.#tenantManager.getAlias().siteId)
          : requireFolder(trx, tenantId, input.parentId))
        const { siteId, folderId: parentId } = parent
        const folder = await trx
          .insertInto('folder')
          .values({ tenantId, siteId, parentId, name: input.name })
          .returningAll()
          .executeTakeFirstOrThrow()
        return folder
      }),
    )
  }

  /** Renames a folder. It stays where it is: what it holds would have to move along. */
  async updateFolder(folderId: number, { name }: FolderInput): Promise<Folder> {
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx }) => {
        const folder = await trx
          .updateTable('folder')
          .set({ name })
          .where('folderId', '=', folderId)
          .where('tenantId', '=', this.#tenantManager.tenantId)
          .returningAll()
          .executeTakeFirst()
        if (!folder) throw new EntityNotFoundError(EntityNames.Folder, folderId)
        return folder
      }),
    )
  }

  async deleteFolder(folderId: number): Promise<void> {
    await explainConflicts({ used: 'The folder is not empty.' }, () =>
      this.#engine.transaction(async ({ trx }) => {
        const folder = await trx
          .deleteFrom('folder')
          .where('folderId', '=', folderId)
          .where('tenantId', '=', this.#tenantManager.tenantId)
          .returningAll()
          .executeTakeFirst()
        if (!folder) throw new EntityNotFoundError(EntityNames.Folder, folderId)
        if (folder.parentId === null) throw new EntityConflictError('A site keeps its root folder.')
      }),
    )
  }

  #ownFolders() {
    const { tenantId } = this.#tenantManager
    return this.#engine.db.selectFrom('folder').selectAll().where('tenantId', '=', tenantId)
  }
}
