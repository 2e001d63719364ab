import { pipeline } from 'node:stream/promises'
import { EntityNames } from '@x/events-core'
import type { RequestHandler } from 'express'
import { EntityNotFoundError } from '../domain/errors.ts'
import { readId } from '../http/read-id.ts'

/**
 * `GET /api/File/download/:id`: streams the bytes of a file. File/Download is committed before the
 * first of them leaves, so that no download goes unrecorded; it says that the file was handed out,
 * not that the client took all of it. Its id is in the header `X-Event-Id`, and will be the
 * `webhook-id` of the webhooks about it.
 */
export const downloadFile: RequestHandler = async (request, response) => {
  const { fileRepository, fileStorage } = request.services
  const fileId = readId(request.params['id'])
  const file = await fileRepository.getFile(fileId)
  const storageKey = await fileRepository.getStorageKey(fileId)
  if (!file || !storageKey) throw new EntityNotFoundError(EntityNames.File, fileId)

  await using content = await fileStorage.open(storageKey)
  // The browser saves it under its name, and neither shows it in this origin nor guesses its type.
  response.attachment(file.name)
  response.set({
    'content-type': file.contentType,
    'content-length': String(file.size),
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-store',
  })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const event = await fileRepository.raiseDownload(file)
  response.set('x-event-id', event.id)
  response.flushHeaders()
  await pipeline(content.createReadStream({ autoClose: false }), response)
}
