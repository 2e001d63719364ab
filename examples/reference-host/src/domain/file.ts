import { z } from 'zod'
import { fileName } from './file-name.ts'
import { entityId } from './input.ts'

/** A file that somebody uploaded: what is known about it, without its bytes. */
export interface File {
  readonly fileId: number
  readonly tenantId: number
  readonly siteId: number
  readonly folderId: number
  readonly name: string
  readonly contentType: string
  readonly size: number
  readonly createdOn: string
}

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    File: File
  }
}

/** What may be changed about a file; its bytes may not. */
export const fileInput = z.object({ folderId: entityId, name: fileName })

export type FileInput = z.infer<typeof fileInput>

/** A file whose bytes are on disk already. */
export interface UploadedFile {
  /** The site's root folder when left out. */
  readonly folderId: number | undefined
  readonly name: string
  readonly contentType: string
  readonly size: number
  /** Names the bytes in the file storage. */
  readonly storageKey: string
}
