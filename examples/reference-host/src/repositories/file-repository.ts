import { EntityNames, type SyncEvent } from '@x/events-core'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { File, FileInput, UploadedFile } from '../domain/file.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import { requireFolder, requireRootFolder } from './owned-rows.ts'
import type { RepositoryServices } from './repository-services.ts'

const TAKEN = 'The folder already has a file of that name.'
// All but the storage key, which is nobody's business outside.
const COLUMNS = [
  'fileId',
  'tenantId',
  'siteId',
  'folderId',
  'name',
  'contentType',
  'size',
  'createdOn',
] as const

/** The files of one tenant: what is known about them. Their bytes are in the file storage. */
export class FileRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager

  constructor({ engine, tenantManager }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
  }

  async getFiles(): Promise<File[]> {
    return this.#ownFiles().select(COLUMNS).orderBy('fileId').execute()
  }

  async getFile(fileId: number): Promise<File | undefined> {
    return this.#ownFiles().select(COLUMNS).where('fileId', '=', fileId).executeTakeFirst()
  }

  /** Under which key the file storage keeps the bytes of a file. */
  async getStorageKey(fileId: number): Promise<string | undefined> {
    const file = await this.#ownFiles().select('storageKey').where('fileId', '=', fileId).executeTakeFirst()
    return file?.storageKey
  }

  /** Adds a file whose bytes are on disk: an event that tells of it must not be ahead of them. */
  async addFile({ folderId, ...upload }: UploadedFile): Promise<File> {
    const { tenantId } = this.#tenantManager
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx }) => {
        const folder = await (folderId === undefined
          ? requireRootFolder(trx, tenantId, this.#tenantManager.getAlias().siteId)
          : requireFolder(trx, tenantId, folderId))
        const file = await trx
          .insertInto('file')
          .values({
            tenantId,
            siteId: folder.siteId,
            folderId: folder.folderId,
            ...upload,
            createdOn: new Date().toISOString(),
          })
          .returning(COLUMNS)
          .executeTakeFirstOrThrow()
        return file
      }),
    )
  }

  async updateFile(fileId: number, { name, folderId }: FileInput): Promise<File> {
    const { tenantId } = this.#tenantManager
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx }) => {
        const folder = await requireFolder(trx, tenantId, folderId)
        const file = await trx
          .updateTable('file')
          .set({ name, folderId, siteId: folder.siteId })
          .where('fileId', '=', fileId)
          .where('tenantId', '=', tenantId)
          .returning(COLUMNS)
          .executeTakeFirst()
        if (!file) throw new EntityNotFoundError(EntityNames.File, fileId)
        return file
      }),
    )
  }

  /** @returns the storage key of the bytes, which nobody needs once this has resolved. */
  async deleteFile(fileId: number): Promise<string> {
    return this.#engine.transaction(async ({ trx }) => {
      const deleted = await trx
        .deleteFrom('file')
        .where('fileId', '=', fileId)
        .where('tenantId', '=', this.#tenantManager.tenantId)
        .returning('storageKey')
        .executeTakeFirst()
      if (!deleted) throw new EntityNotFoundError(EntityNames.File, fileId)
      return deleted.storageKey
    })
  }

  /** Raises File/Download. It changes no row, so that it needs no transaction: the event is the record. */
  async raiseDownload(file: File): Promise<SyncEvent> {
    return this.#engine.syncManager.addSyncEvent(file, EntityNames.File, file.fileId, 'Download', {
      data: file,
    })
  }

  #ownFiles() {
    return this.#engine.db.selectFrom('file').where('tenantId', '=', this.#tenantManager.tenantId)
  }
}
