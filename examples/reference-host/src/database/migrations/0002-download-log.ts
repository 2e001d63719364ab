import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * What the file download subscriber notes. The event's id is the key, so that an event handled twice
 * after a crash is one row. It refers to no file: the log outlives what it tells of.
 */
export const downloadLogTable: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('fileDownload')
      .addColumn('eventId', 'text', (column) => column.primaryKey())
      .addColumn('tenantId', 'integer', (column) => column.notNull())
      .addColumn('fileId', 'integer', (column) => column.notNull())
      .addColumn('fileName', 'text', (column) => column.notNull())
      .addColumn('downloadedOn', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('fileDownloadByFile')
      .on('fileDownload')
      .columns(['tenantId', 'fileId'])
      .execute()
  },
}
