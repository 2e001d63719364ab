import { z } from 'zod'
import type { File } from '../domain/file.ts'
import type { Folder } from '../domain/folder.ts'
import { entityId } from '../domain/input.ts'
import type { Page } from '../domain/page.ts'
import type { Site } from '../domain/site.ts'
import type { Tenant } from '../domain/tenant.ts'
import type { User } from '../domain/user.ts'
import type { FileDownload } from '../repositories/download-log.ts'
import type { TokenInfo } from '../repositories/token-repository.ts'

// What the API answers about entities that have repositories of their own; the others say it themselves.
const owned = { tenantId: entityId, siteId: entityId }

export const tenantSchema = z.object({ tenantId: entityId, name: z.string() }) satisfies z.ZodType<Tenant>

export const siteSchema = z.object({ ...owned, name: z.string() }) satisfies z.ZodType<Site>

export const folderSchema = z.object({
  ...owned,
  folderId: entityId,
  parentId: entityId.nullable(),
  name: z.string(),
}) satisfies z.ZodType<Folder>

export const fileSchema = z.object({
  ...owned,
  fileId: entityId,
  folderId: entityId,
  name: z.string(),
  contentType: z.string(),
  size: z.int().min(0),
  createdOn: z.iso.datetime(),
}) satisfies z.ZodType<File>

export const pageSchema = z.object({
  ...owned,
  pageId: entityId,
  name: z.string(),
  title: z.string(),
  path: z.string(),
}) satisfies z.ZodType<Page>

export const userSchema = z.object({
  userId: entityId,
  tenantId: entityId,
  username: z.string(),
  displayName: z.string(),
  email: z.string(),
}) satisfies z.ZodType<User>

export const downloadSchema = z.object({
  eventId: z.string(),
  fileId: entityId,
  fileName: z.string(),
  downloadedOn: z.iso.datetime(),
}) satisfies z.ZodType<FileDownload>

const tokenInfo = {
  tokenId: entityId,
  name: z.string(),
  createdOn: z.iso.datetime(),
  expiresOn: z.iso.datetime().nullable(),
}

export const tokenSchema = z.object(tokenInfo) satisfies z.ZodType<TokenInfo>

export const newTokenSchema = z.object({ ...tokenInfo, token: z.string() })

export const syncSchema = z.object({
  syncDate: z.iso.datetime(),
  syncEvents: z.array(
    z.object({
      id: z.string(),
      tenantId: z.int(),
      siteId: z.int(),
      siteKey: z.string(),
      entityName: z.string(),
      entityId: z.union([z.int(), z.string()]),
      action: z.string(),
      modifiedOn: z.iso.datetime(),
    }),
  ),
})
