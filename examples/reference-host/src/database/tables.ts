import type { Alias } from '@x/events-core'
import type { Generated } from 'kysely'
import type { File } from '../domain/file.ts'
import type { Folder } from '../domain/folder.ts'
import type { Page } from '../domain/page.ts'
import type { Site } from '../domain/site.ts'
import type { Tenant } from '../domain/tenant.ts'
import type { User } from '../domain/user.ts'
import type { Language } from '../entities/language.ts'
import type { Module } from '../entities/module.ts'
import type { Notification } from '../entities/notification.ts'
import type { PageModule } from '../entities/page-module.ts'
import type { Role } from '../entities/role.ts'
import type { Setting } from '../entities/setting.ts'
import type { UrlMapping } from '../entities/url-mapping.ts'
import type { UserRole } from '../entities/user-role.ts'

type Numbered<TEntity, TId extends keyof TEntity> = Omit<TEntity, TId> & Record<TId, Generated<number>>

/** A person or program that may administer one tenant. */
interface AccessTokenTable {
  readonly tokenId: Generated<number>
  readonly tenantId: number
  readonly name: string
  /** Hexadecimal SHA-256: whoever reads the database cannot use it. */
  readonly tokenHash: string
  readonly createdOn: string
  /** Null for one that does not expire. */
  readonly expiresOn: string | null
}

interface UserPasswordTable {
  readonly userId: number
  readonly passwordHash: string
}

/** Somebody who is logged in. */
interface SessionTable {
  readonly tokenHash: string
  readonly tenantId: number
  readonly userId: number
  readonly expiresOn: string
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
  role: Numbered<Role, 'roleId'>
  userRole: Numbered<UserRole, 'userRoleId'>
  setting: Numbered<Setting, 'settingId'>
  module: Numbered<Module, 'moduleId'>
  pageModule: Numbered<PageModule, 'pageModuleId'>
  notification: Numbered<Notification, 'notificationId'>
  language: Numbered<Language, 'languageId'>
  urlMapping: Numbered<UrlMapping, 'urlMappingId'>
  userPassword: UserPasswordTable
  session: SessionTable
  accessToken: AccessTokenTable
  fileDownload: FileDownloadTable
  installation: InstallationTable
}
