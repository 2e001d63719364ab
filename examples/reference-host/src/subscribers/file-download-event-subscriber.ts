import { EntityNames, type IEventSubscriber, type IServiceScopeFactory, type SyncEvent } from '@x/events-core'
import type { FileRepository } from '../entities/file.ts'
import type { TenantManager } from '../entity/tenant-manager.ts'
import type { DownloadLog } from '../files/download-log.ts'

/**
 * Notes every file that was downloaded. It lives as long as the host, while the services it needs
 * live as long as one unit of work; so it opens a scope for each event.
 */
export class FileDownloadEventSubscriber implements IEventSubscriber {
  readonly #serviceScopeFactory: IServiceScopeFactory

  constructor(serviceScopeFactory: IServiceScopeFactory) {
    this.#serviceScopeFactory = serviceScopeFactory
  }

  async entityChanged(syncEvent: SyncEvent): Promise<void> {
    if (syncEvent.entityName === EntityNames.File && syncEvent.action === 'Download') {
      await using scope = this.#serviceScopeFactory.createScope()
      // create scoped services
      const tenantManager = scope.resolve<TenantManager>('tenantManager')
      const fileRepository = scope.resolve<FileRepository>('fileRepository')
      const downloadLog = scope.resolve<DownloadLog>('downloadLog')

      // set tenant
      tenantManager.setTenant(syncEvent.tenantId)

      // get file and perform actions
      const file = await fileRepository.getFile(Number(syncEvent.entityId))
      // Deleted since: there is nothing left to note, and trying again would not bring it back.
      if (file) await downloadLog.addDownload(syncEvent, file)
    }
  }
}
