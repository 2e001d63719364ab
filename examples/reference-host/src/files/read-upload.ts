import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import type { Request } from 'express'
import { whyNoFileName } from '../entities/file-name.ts'
import { InvalidInputError } from '../entity/errors.ts'
import { ProblemError } from '../http/problems.ts'
import type { FileStorage, StoredContent } from './file-storage.ts'

/** A multipart form with one file, whose bytes are on disk. */
export interface Upload extends StoredContent {
  readonly name: string
  readonly contentType: string
  readonly fields: ReadonlyMap<string, string>
}

const MIME_TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/

/**
 * Reads a multipart form, its file straight to disk and never whole into memory. Whatever goes wrong,
 * also the client going away, leaves nothing behind in the storage.
 *
 * @throws ProblemError, InvalidInputError
 */
export async function readUpload(
  request: Request,
  storage: FileStorage,
  maxFileBytes: number,
): Promise<Upload> {
  const form = openForm(request, maxFileBytes)
  const fields = new Map<string, string>()
  let file: { name: string; contentType: string; saved: Promise<StoredContent> } | undefined

  try {
    await new Promise<void>((resolve, reject) => {
      const refuse = (status: number, detail: string) => () => reject(new ProblemError(status, detail))
      const onFile = (content: BusboyFileStream, name: string, mimeType: string) => {
        content.on('error', reject)
        content.on('limit', refuse(413, `A file must not be larger than ${maxFileBytes} bytes.`))
        const why = whyNoFileName(name)
        if (why) {
          content.resume()
          return reject(new InvalidInputError({ file: [`the file name ${why}`] }))
        }
        const contentType = MIME_TYPE.test(mimeType) ? mimeType : 'application/octet-stream'
        file = { name, contentType, saved: storage.save(content) }
        file.saved.catch(reject)
        // When the form fails, the file in it does: its half must not be taken for the whole.
        form.once('error', (error: Error) => content.destroy(error))
      }
      form.on('file', (_field, content, name = '', _encoding, mimeType = '') =>
        onFile(content, name, mimeType),
      )
      form.on('field', (name, value) => fields.set(name, value))
      form.on('filesLimit', refuse(400, 'The form has more than one file.'))
      form.on('partsLimit', refuse(400, 'The form has too many parts.'))
      form.on('fieldsLimit', refuse(400, 'The form has too many fields.'))
      form.on('error', refuse(400, 'The form cannot be read: it is malformed or incomplete.'))
      form.on('finish', resolve)
      request.on('close', () => {
        if (!request.complete) reject(new ProblemError(400, 'The upload was broken off.'))
      })
      request.pipe(form)
    })
    if (!file) throw new InvalidInputError({ file: ['is missing: send it as a part with a file name'] })
    return { ...(await file.saved), name: file.name, contentType: file.contentType, fields }
  } catch (error) {
    request.unpipe(form)
    // What still comes runs dry, so that the client gets to read the answer.
    request.resume()
    form.destroy(error instanceof Error ? error : undefined)
    const stored = await file?.saved.catch(() => undefined)
    if (stored) await storage.remove(stored.storageKey)
    throw error
  }
}

function openForm(request: Request, maxFileBytes: number): BusboyInstance {
  const contentType = request.headers['content-type'] ?? ''
  if (!/^multipart\/form-data\b/i.test(contentType)) {
    throw new ProblemError(415, 'A file is uploaded as multipart/form-data.')
  }
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': contentType },
      // Names come as they were sent: one that holds a path is refused, not quietly shortened.
      preservePath: true,
      limits: { files: 1, fields: 20, parts: 25, fieldSize: 1_000, fileSize: maxFileBytes, headerPairs: 20 },
    })
  } catch {
    throw new ProblemError(400, 'The content type lacks its boundary.')
  }
}
