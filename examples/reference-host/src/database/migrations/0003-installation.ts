import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What all nodes of one database have to agree on. */
export const installationTable: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('installation')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .execute()
  },
}
