import { EntityNames } from '@x/events-core'
import { Router } from 'express'
import { EntityNotFoundError } from '../domain/errors.ts'
import { type File, fileInput } from '../domain/file.ts'
import { requireAdmin } from '../http/authorize.ts'
import { readId } from '../http/read-id.ts'
import { refuseCrossSiteGet } from '../http/same-site.ts'
import { entityRoutes } from './entity-routes.ts'
import { downloadFile } from './file-download.ts'
import { uploadFile } from './file-upload.ts'

/** The routes of files: their bytes have ways of their own in and out. */
export function fileRoutes(maxUploadBytes: number): Router {
  const router = Router()
  const upload = uploadFile(maxUploadBytes)

  router.post(['/', '/upload'], upload)
  router.get('/download/:id', refuseCrossSiteGet, downloadFile)
  router.get('/:id/downloads', requireAdmin, async (request, response) => {
    const { fileRepository, downloadLog } = request.services
    const id = readId(request.params['id'])
    if (!(await fileRepository.getFile(id))) throw new EntityNotFoundError(EntityNames.File, id)
    response.json(await downloadLog.getDownloads(id))
  })

  router.use(
    entityRoutes({
      entityName: 'File',
      input: fileInput,
      isPublic: true,
      idOf: (file: File) => file.fileId,
      list: ({ fileRepository }) => fileRepository.getFiles(),
      get: ({ fileRepository }, id) => fileRepository.getFile(id),
      update: ({ fileRepository }, id, input) => fileRepository.updateFile(id, input),
      async remove({ fileRepository, fileStorage }, id) {
        // The row first: should the host stop in between, the next start finds bytes that nobody
        // knows and removes them, while a row without bytes could not be repaired.
        await fileStorage.remove(await fileRepository.deleteFile(id))
      },
    }),
  )
  return router
}
