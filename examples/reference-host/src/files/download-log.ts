import type { SyncEvent } from '@x/events-core'
import { z } from 'zod'
import type { RepositoryServices } from '../entity/entity-repository.ts'
import { entityId } from '../entity/fields.ts'

/** One download, as the subscriber noted it. */
export const downloadSchema = z.object({
  /** The id of the event that told of it, which is also the `webhook-id` of its webhooks. */
  eventId: z.string(),
  fileId: entityId,
  fileName: z.string(),
  downloadedOn: z.iso.datetime(),
})

/** Who fetched what: written by the file download subscriber, read through the API. */
export class DownloadLog {
  readonly #services: RepositoryServices

  constructor(services: RepositoryServices) {
    this.#services = services
  }

  /** Notes a download. A subscriber may be called twice for one event; the second time changes nothing. */
  async addDownload(
    event: SyncEvent,
    file: { readonly fileId: number; readonly name: string },
  ): Promise<void> {
    const { engine, tenantManager } = this.#services
    await engine.db
      .insertInto('fileDownload')
      .values({
        eventId: event.id,
        tenantId: tenantManager.tenantId,
        fileId: file.fileId,
        fileName: file.name,
        downloadedOn: event.modifiedOn.toISOString(),
      })
      .onConflict((conflict) => conflict.column('eventId').doNothing())
      .execute()
  }

  /** The downloads of a file, the latest first. */
  async getDownloads(fileId: number): Promise<z.infer<typeof downloadSchema>[]> {
    const { engine, tenantManager } = this.#services
    return engine.db
      .selectFrom('fileDownload')
      .select(['eventId', 'fileId', 'fileName', 'downloadedOn'])
      .where('tenantId', '=', tenantManager.tenantId)
      .where('fileId', '=', fileId)
      .orderBy('eventId', 'desc')
      .limit(1_000)
      .execute()
  }
}
