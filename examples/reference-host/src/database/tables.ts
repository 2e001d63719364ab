import type { Alias } from '@x/events-core'
import type { Generated } from 'kysely'
import type { File } from '../domain/file.ts'
import type { Folder } from '../domain/folder.ts'
import type { Page } from '../domain/page.ts'
import type { Site } from '../domain/site.ts'
import type { Tenant } from '../domain/tenant.ts'
import type { User } from '../domain/user.ts'

type Numbered<TEntity, TId extends keyof TEntity> = Omit<TEntity, TId> & Record<TId, Generated<number>>

/** A person or program that may administer one tenant. */
interface ApiTokenTable {
  readonly tokenId: Generated<number>
  readonly tenantId: number
  readonly name: string
  /** Hexadecimal SHA-256: whoever reads the database cannot use it. */
  readonly tokenHash: string
}

/** One file handed out, as the subscriber noted it. */
interface FileDownloadTable {
  /** The event that told of it: noted twice, it is one row. */
  readonly eventId: string
  readonly tenantId: number
  readonly fileId: number
  readonly fileName: string
  readonly downloadedOn: string
}

/** Which page a site shows where. */
interface PagePathTable {
  readonly siteId: number
  readonly path: string
  readonly pageId: number
}

/** What all nodes agree on. */
interface InstallationTable {
  readonly name: string
  readonly value: string
}

/** The host's own tables. Those of the event engine and the webhook sender lie beside them. */
export interface HostTables {
  tenant: Numbered<Tenant, 'tenantId'>
  alias: Numbered<Alias, 'aliasId'>
  site: Numbered<Site, 'siteId'>
  folder: Numbered<Folder, 'folderId'>
  file: Numbered<File & { readonly storageKey: string }, 'fileId'>
  page: Numbered<Page, 'pageId'>
  pagePath: PagePathTable
  user: Numbered<User, 'userId'>
  apiToken: ApiTokenTable
  fileDownload: FileDownloadTable
  installation: InstallationTable
}
