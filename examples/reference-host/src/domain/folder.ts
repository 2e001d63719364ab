import { z } from 'zod'
import { fileName } from './file-name.ts'
import { entityId } from './input.ts'

/** Where a site keeps files. */
export interface Folder {
  readonly folderId: number
  readonly tenantId: number
  readonly siteId: number
  /** Null for the site's root folder. */
  readonly parentId: number | null
  readonly name: string
}

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    Folder: Folder
  }
}

export const folderInput = z.object({
  /** The site of the request's alias when left out. */
  siteId: entityId.optional(),
  /** The site's root folder when left out. */
  parentId: entityId.nullish(),
  name: fileName,
})

export type FolderInput = z.infer<typeof folderInput>
