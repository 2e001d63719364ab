import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { isPostgres } from '../dialect.ts'

const required = (column: ColumnDefinitionBuilder) => column.notNull()
const refersTo = (target: string) => (column: ColumnDefinitionBuilder) => column.notNull().references(target)

/** Tenants, the names they are reached under, and what they own. */
export const contentTables: Migration = {
  async up(db: Kysely<unknown>) {
    // Neither gives the number of a deleted row to another one.
    const key = (column: ColumnDefinitionBuilder) =>
      isPostgres(db)
        ? column.primaryKey().generatedByDefaultAsIdentity()
        : column.primaryKey().autoIncrement()
    const create = (table: string): CreateTableBuilder<string> => db.schema.createTable(table)

    await create('tenant').addColumn('tenantId', 'integer', key).addColumn('name', 'text', required).execute()

    await create('site')
      .addColumn('siteId', 'integer', key)
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('name', 'text', required)
      .execute()

    await create('alias')
      .addColumn('aliasId', 'integer', key)
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('siteId', 'integer', refersTo('site.siteId'))
      .execute()

    await create('folder')
      .addColumn('folderId', 'integer', key)
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('siteId', 'integer', refersTo('site.siteId'))
      .addColumn('parentId', 'integer', (column) => column.references('folder.folderId'))
      .addColumn('name', 'text', required)
      .execute()
    // One root folder for each site: a unique constraint would let any number of nulls through.
    await db.schema
      .createIndex('folderNameIsUnique')
      .unique()
      .on('folder')
      .expression(sql`"siteId", coalesce("parentId", 0), "name"`)
      .execute()

    await create('file')
      .addColumn('fileId', 'integer', key)
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('siteId', 'integer', refersTo('site.siteId'))
      .addColumn('folderId', 'integer', refersTo('folder.folderId'))
      .addColumn('name', 'text', required)
      .addColumn('contentType', 'text', required)
      .addColumn('size', 'integer', required)
      .addColumn('createdOn', 'text', required)
      .addColumn('storageKey', 'text', (column) => column.notNull().unique())
      .addUniqueConstraint('fileNameIsUnique', ['folderId', 'name'])
      .execute()

    await create('page')
      .addColumn('pageId', 'integer', key)
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('siteId', 'integer', refersTo('site.siteId'))
      .addColumn('name', 'text', required)
      .addColumn('title', 'text', required)
      .addColumn('path', 'text', required)
      .execute()
    await create('pagePath')
      .addColumn('siteId', 'integer', refersTo('site.siteId'))
      .addColumn('path', 'text', required)
      .addColumn('pageId', 'integer', (column) =>
        column.notNull().unique().references('page.pageId').onDelete('cascade'),
      )
      .addPrimaryKeyConstraint('pagePathKey', ['siteId', 'path'])
      .execute()

    await create('user')
      .addColumn('userId', 'integer', key)
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('username', 'text', required)
      .addColumn('displayName', 'text', required)
      .addColumn('email', 'text', required)
      .addUniqueConstraint('usernameIsUnique', ['tenantId', 'username'])
      .execute()

    await create('apiToken')
      .addColumn('tokenId', 'integer', key)
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('name', 'text', required)
      .addColumn('tokenHash', 'text', (column) => column.notNull().unique())
      .addUniqueConstraint('tokenNameIsUnique', ['tenantId', 'name'])
      .execute()
  },
}
