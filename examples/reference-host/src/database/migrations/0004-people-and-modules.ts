import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { isPostgres } from '../dialect.ts'

const required = (column: ColumnDefinitionBuilder) => column.notNull()
const refersTo = (target: string) => (column: ColumnDefinitionBuilder) => column.notNull().references(target)
/** Goes when what it refers to goes; the database raises an event for each row that does. */
const partOf = (target: string) => (column: ColumnDefinitionBuilder) =>
  column.notNull().references(target).onDelete('cascade')

/** What pages are made of, and who may do what. */
export const peopleAndModules: Migration = {
  async up(db: Kysely<unknown>) {
    const key = (column: ColumnDefinitionBuilder) =>
      isPostgres(db)
        ? column.primaryKey().generatedByDefaultAsIdentity()
        : column.primaryKey().autoIncrement()
    const create = (table: string, keyColumn: string): CreateTableBuilder<string, string> =>
      db.schema
        .createTable(table)
        .addColumn(keyColumn, 'integer', key)
        .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
    const ofSite = (table: string, keyColumn: string): CreateTableBuilder<string, string> =>
      create(table, keyColumn).addColumn('siteId', 'integer', refersTo('site.siteId'))

    await ofSite('role', 'roleId')
      .addColumn('name', 'text', required)
      .addUniqueConstraint('roleNameIsUnique', ['siteId', 'name'])
      .execute()
    await ofSite('userRole', 'userRoleId')
      .addColumn('userId', 'integer', partOf('user.userId'))
      .addColumn('roleId', 'integer', partOf('role.roleId'))
      .addUniqueConstraint('userRoleIsUnique', ['userId', 'roleId'])
      .execute()
    await ofSite('setting', 'settingId')
      .addColumn('entityName', 'text', required)
      .addColumn('entityId', 'integer', required)
      .addColumn('name', 'text', required)
      .addColumn('value', 'text', required)
      .addUniqueConstraint('settingIsUnique', ['tenantId', 'entityName', 'entityId', 'name'])
      .execute()
    await ofSite('module', 'moduleId')
      .addColumn('title', 'text', required)
      .addColumn('content', 'text', required)
      .execute()
    await ofSite('pageModule', 'pageModuleId')
      .addColumn('pageId', 'integer', partOf('page.pageId'))
      .addColumn('moduleId', 'integer', partOf('module.moduleId'))
      .addColumn('pane', 'text', required)
      .addColumn('position', 'integer', required)
      .addUniqueConstraint('pageModuleIsUnique', ['pageId', 'moduleId'])
      .execute()
    await ofSite('notification', 'notificationId')
      .addColumn('toUserId', 'integer', partOf('user.userId'))
      .addColumn('subject', 'text', required)
      .addColumn('body', 'text', required)
      .addColumn('createdOn', 'text', required)
      .execute()
    await ofSite('language', 'languageId')
      .addColumn('code', 'text', required)
      .addColumn('name', 'text', required)
      .addUniqueConstraint('languageIsUnique', ['siteId', 'code'])
      .execute()
    await ofSite('urlMapping', 'urlMappingId')
      .addColumn('path', 'text', required)
      .addColumn('mappedPath', 'text', required)
      .addUniqueConstraint('urlMappingIsUnique', ['siteId', 'path'])
      .execute()

    // Beside the users, so that nothing which reads users gets hold of it.
    await db.schema
      .createTable('userPassword')
      .addColumn('userId', 'integer', (column) =>
        column.primaryKey().references('user.userId').onDelete('cascade'),
      )
      .addColumn('passwordHash', 'text', required)
      .execute()
    await db.schema
      .createTable('session')
      .addColumn('tokenHash', 'text', (column) => column.primaryKey())
      .addColumn('tenantId', 'integer', refersTo('tenant.tenantId'))
      .addColumn('userId', 'integer', partOf('user.userId'))
      .addColumn('expiresOn', 'text', required)
      .execute()

    // A name may have several tokens for a while: the one that was rotated goes on until it expires.
    await create('accessToken', 'tokenId')
      .addColumn('name', 'text', required)
      .addColumn('tokenHash', 'text', (column) => column.notNull().unique())
      .addColumn('createdOn', 'text', required)
      .addColumn('expiresOn', 'text')
      .execute()
    const now = new Date().toISOString()
    await sql`insert into "accessToken" ("tenantId", "name", "tokenHash", "createdOn")
      select "tenantId", "name", "tokenHash", ${now} from "apiToken"`.execute(db)
    await db.schema.dropTable('apiToken').execute()
  },
}
