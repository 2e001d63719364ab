import { pipeline } from 'node:stream/promises'
import { EntityNames, type SyncEvent } from '@x/events-core'
import { z } from 'zod'
import { defineEntity, type InputOfEntity, type RowOfEntity } from '../entity/define-entity.ts'
import { EntityRepository, type RepositoryServices } from '../entity/entity-repository.ts'
import { EntityNotFoundError } from '../entity/errors.ts'
import { integerOfHost, optional, refersTo, text, textOfHost } from '../entity/fields.ts'
import { downloadSchema } from '../files/download-log.ts'
import { readUpload, type Upload } from '../files/read-upload.ts'
import { refuseCrossSiteGet } from '../http/middleware.ts'
import { readId, route } from '../http/route.ts'
import { fileName } from './file-name.ts'
import { requireRootFolder } from './folder.ts'

/** A file that was uploaded: what is known about it. Its bytes are in the file storage. */
export const file = defineEntity({
  name: 'File',
  noun: 'A file',
  scope: 'site',
  migration: '0006-file',
  fields: {
    /** The site's root folder when left out. */
    folderId: optional(refersTo('Folder')),
    name: text(fileName),
    contentType: textOfHost(),
    size: integerOfHost(),
    createdOn: textOfHost(z.iso.datetime()),
  },
  // Names the bytes in the file storage, which nobody outside needs to know.
  hidden: ['storageKey'],
  unique: ['folderId', 'name'],
  taken: 'The folder already has a file of that name.',
  isPublic: true,
  isSynchronized: true,
  // Files come and go by the routes below, with their bytes.
  operations: ['list', 'get', 'update'],
  example: {
    fileId: 7,
    tenantId: 1,
    siteId: 1,
    folderId: 1,
    name: 'report.pdf',
    contentType: 'application/pdf',
    size: 48213,
    createdOn: '2026-11-24T08:00:00.000Z',
  },
  columns: async ({ folderId }, writing, before) => ({
    folderId: folderId ?? before?.folderId ?? (await requireRootFolder(writing)),
  }),
})

type File = RowOfEntity<typeof file>

declare module '../entity/define-entity.ts' {
  interface Entities {
    File: typeof file
  }
}

/** The files of one tenant. */
export class FileRepository extends EntityRepository<File, InputOfEntity<typeof file>> {
  constructor(services: RepositoryServices) {
    super(services, file)
  }

  async getFile(fileId: number): Promise<File | undefined> {
    return this.get(fileId)
  }

  /** Adds a file whose bytes are on disk: an event that tells of it must not be ahead of them. */
  async addFile({ name, contentType, size, storageKey, fields }: Upload): Promise<File> {
    const folder = fields.get('folderId')
    const folderId = folder === undefined ? undefined : readId(folder, 'folderId')
    const createdOn = new Date().toISOString()
    return this.add({ name, folderId }, { contentType, size, storageKey, createdOn })
  }

  /** Under which key the file storage keeps the bytes of a file. */
  async getStorageKey(fileId: number): Promise<string> {
    const { engine, tenantManager } = this.services
    const found = await engine.db
      .selectFrom('file')
      .select('storageKey')
      .where('fileId', '=', fileId)
      .where('tenantId', '=', tenantManager.tenantId)
      .executeTakeFirst()
    if (!found) throw new EntityNotFoundError(EntityNames.File, fileId)
    return found.storageKey
  }

  /** Raises File/Download. It changes no row, so that it needs no transaction: the event is the record. */
  async raiseDownload(row: File): Promise<SyncEvent> {
    const { syncManager } = this.services.engine
    return syncManager.addSyncEvent(row, EntityNames.File, row.fileId, 'Download', { data: row })
  }
}

const upload = {
  method: 'post',
  summary: 'Uploads a file',
  tag: 'File',
  audience: 'administrators',
  input: {
    contentType: 'multipart/form-data',
    schema: {
      type: 'object',
      required: ['file'],
      properties: {
        file: { type: 'string', contentMediaType: 'application/octet-stream' },
        folderId: { type: 'integer', description: "The site's root folder when left out." },
      },
    },
  },
  status: 201,
  output: file.schema,
  alsoAnswers: [404, 409, 415],
} as const

/** Uploads: a row and its event come once the bytes are on disk; when they are refused, the bytes go again. */
const uploadRoutes = ['/api/File', '/api/File/upload'].map((path) =>
  route({
    ...upload,
    path,
    async handle({ services, request, response }) {
      const { fileRepository, fileStorage, config } = services
      const received = await readUpload(request, fileStorage, config.maxUploadBytes)
      try {
        const added = await fileRepository.addFile(received)
        response.location(`/api/File/${added.fileId}`)
        return added
      } catch (error) {
        await fileStorage.remove(received.storageKey)
        throw error
      }
    },
  }),
)

/** The bytes of files have ways of their own in and out. */
export const fileRoutes = [
  ...uploadRoutes,
  route({
    method: 'get',
    path: '/api/File/download/:id',
    summary: 'The bytes of a file; raises File.Download, whose id is in X-Event-Id',
    tag: 'File',
    audience: 'everybody',
    output: { contentType: '*/*', schema: { type: 'string' } },
    alsoAnswers: [403],
    before: [refuseCrossSiteGet],
    async handle({ services, id, request, response }) {
      const { fileRepository, fileStorage } = services
      const found = await fileRepository.require(id)
      await using content = await fileStorage.open(await fileRepository.getStorageKey(id))
      // The browser saves it under its name, and neither shows it in this origin nor guesses its type.
      response.attachment(found.name)
      response.set({
        'content-type': found.contentType,
        'content-length': String(found.size),
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-store',
      })
      if (request.method === 'HEAD') return void response.end()
      // Committed before the first byte leaves, so that no download goes unrecorded.
      const event = await fileRepository.raiseDownload(found)
      response.set('x-event-id', event.id)
      response.flushHeaders()
      await pipeline(content.createReadStream({ autoClose: false }), response)
    },
  }),
  route({
    method: 'get',
    path: '/api/File/:id/downloads',
    summary: 'Who fetched a file, the latest first',
    tag: 'File',
    audience: 'administrators',
    output: z.array(downloadSchema),
    async handle({ services, id }) {
      await services.fileRepository.require(id)
      return services.downloadLog.getDownloads(id)
    },
  }),
  route({
    method: 'delete',
    path: '/api/File/:id',
    summary: 'Removes: File',
    tag: 'File',
    audience: 'administrators',
    status: 204,
    alsoAnswers: [409],
    async handle({ services, id }) {
      const { fileRepository, fileStorage } = services
      const storageKey = await fileRepository.getStorageKey(id)
      // The row first: should the host stop in between, the next start finds bytes that nothing
      // refers to and removes them, while a row without bytes could not be repaired.
      await fileRepository.remove(id)
      await fileStorage.remove(storageKey)
    },
  }),
]
