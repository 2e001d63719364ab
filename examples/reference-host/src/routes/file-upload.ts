import type { RequestHandler } from 'express'
import { readId } from '../http/read-id.ts'
import { readUpload, type Upload } from '../http/read-upload.ts'
import type { FileRepository } from '../repositories/file-repository.ts'

/**
 * `POST /api/File/upload`: a multipart form with one file, and optionally `folderId`. Row and event
 * come once the bytes are on disk; when they are refused (the name is taken), the bytes go again.
 */
export function uploadFile(maxUploadBytes: number): RequestHandler {
  return async (request, response) => {
    const { fileRepository, fileStorage } = request.services
    const upload = await readUpload(request, fileStorage, maxUploadBytes)
    try {
      const file = await addFile(fileRepository, upload)
      response.status(201).location(`/api/File/${file.fileId}`).json(file)
    } catch (error) {
      await fileStorage.remove(upload.storageKey)
      throw error
    }
  }
}

function addFile(fileRepository: FileRepository, { fields, ...upload }: Upload) {
  const folderId = fields.get('folderId')
  return fileRepository.addFile({
    ...upload,
    folderId: folderId === undefined ? undefined : readId(folderId, 'folderId'),
  })
}
