import type { SyncEvent } from '@x/events-core'
import type { File } from '../domain/file.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import type { RepositoryServices } from './repository-services.ts'

/** One download, as the subscriber noted it. */
export interface FileDownload {
  /** The id of the event that told of it, which is also the `webhook-id` of its webhooks. */
  readonly eventId: string
  readonly fileId: number
  readonly fileName: string
  readonly downloadedOn: string
}

/** Who fetched what: written by the file download subscriber, read through the API. */
export class DownloadLog {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager

  constructor({ engine, tenantManager }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
  }

  /** Notes a download. A subscriber may be called twice for one event; the second time changes nothing. */
  async addDownload(event: SyncEvent, file: File): Promise<void> {
    await this.#engine.db
      .insertInto('fileDownload')
      .values({
        eventId: event.id,
        tenantId: this.#tenantManager.tenantId,
        fileId: file.fileId,
        fileName: file.name,
        downloadedOn: event.modifiedOn.toISOString(),
      })
      .onConflict((conflict) => conflict.column('eventId').doNothing())
      .execute()
  }

  /** The downloads of a file, the latest first. */
  async getDownloads(fileId: number): Promise<FileDownload[]> {
    return this.#engine.db
      .selectFrom('fileDownload')
      .select(['eventId', 'fileId', 'fileName', 'downloadedOn'])
      .where('tenantId', '=', this.#tenantManager.tenantId)
      .where('fileId', '=', fileId)
      .orderBy('eventId', 'desc')
      .limit(1_000)
      .execute()
  }
}
