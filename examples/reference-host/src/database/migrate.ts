import type { EventEngine } from '@x/events-engine'
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { entities } from '../entities/entities.ts'
import { captureEntity, type Entity } from '../entity/define-entity.ts'
import { isPostgres } from './open-database.ts'
import type { HostTables } from './tables.ts'

const required = (column: ColumnDefinitionBuilder) => column.notNull()
const primaryText = (column: ColumnDefinitionBuilder) => column.primaryKey()

/** The table of an entity, as its description says. Changes of it are migrations of their own, below. */
function tableOf({ table, key, scope, fields, hidden, unique }: Entity): Migration {
  return {
    async up(db: Kysely<unknown>) {
      let creating = db.schema.createTable(table).addColumn(key, 'integer', numbered(db))
      if (scope !== 'installation') creating = creating.addColumn('tenantId', 'integer', refersTo('tenant'))
      if (scope === 'site') creating = creating.addColumn('siteId', 'integer', refersTo('site'))
      for (const [name, { column, isNullable, isPartOf, refersTo: entity }] of Object.entries(fields)) {
        creating = creating.addColumn(name, column, (definition) => {
          const built = isNullable ? definition : definition.notNull()
          if (entity === undefined) return built
          const target = entity.charAt(0).toLowerCase() + entity.slice(1)
          const referring = built.references(`${target}.${target}Id`)
          // The database raises an event for each row that is deleted with another.
          return isPartOf ? referring.onDelete('cascade') : referring
        })
      }
      for (const name of hidden) creating = creating.addColumn(name, 'text', required)
      await creating.execute()
      if (unique.length === 0) return
      const parts = unique.map((part) => (typeof part === 'string' ? sql.ref(part) : part))
      await db.schema.createIndex(`${table}IsUnique`).unique().on(table).expression(sql.join(parts)).execute()
    },
  }
}

// Neither database gives the number of a deleted row to another one.
const numbered = (db: Kysely<unknown>) => (column: ColumnDefinitionBuilder) =>
  isPostgres(db) ? column.primaryKey().generatedByDefaultAsIdentity() : column.primaryKey().autoIncrement()
const refersTo = (table: string) => (column: ColumnDefinitionBuilder) =>
  column.notNull().references(`${table}.${table}Id`)

/** Passwords, sessions and tokens: beside the users, so that nothing which reads users gets hold of them. */
const credentials: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('userPassword')
      .addColumn('userId', 'integer', (column) =>
        column.primaryKey().references('user.userId').onDelete('cascade'),
      )
      .addColumn('passwordHash', 'text', required)
      .execute()
    await db.schema
      .createTable('session')
      .addColumn('tokenHash', 'text', primaryText)
      .addColumn('tenantId', 'integer', refersTo('tenant'))
      .addColumn('userId', 'integer', (column) => refersTo('user')(column).onDelete('cascade'))
      .addColumn('expiresOn', 'text', required)
      .execute()
    // A name may have several tokens for a while: the one that was rotated goes on until it expires.
    await db.schema
      .createTable('accessToken')
      .addColumn('tokenId', 'integer', numbered(db))
      .addColumn('tenantId', 'integer', refersTo('tenant'))
      .addColumn('name', 'text', required)
      .addColumn('tokenHash', 'text', (column) => column.notNull().unique())
      .addColumn('createdOn', 'text', required)
      .addColumn('expiresOn', 'text')
      .execute()
  },
}

/**
 * What the file download subscriber notes. The event's id is the key, so that an event handled twice
 * after a crash is one row. It refers to no file: the log outlives what it tells of.
 */
const downloadLog: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('fileDownload')
      .addColumn('eventId', 'text', primaryText)
      .addColumn('tenantId', 'integer', required)
      .addColumn('fileId', 'integer', required)
      .addColumn('fileName', 'text', required)
      .addColumn('downloadedOn', 'text', required)
      .execute()
    await db.schema
      .createIndex('fileDownloadByFile')
      .on('fileDownload')
      .columns(['tenantId', 'fileId'])
      .execute()
  },
}

/** What all nodes of one database have to agree on. */
const installation: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('installation')
      .addColumn('name', 'text', primaryText)
      .addColumn('value', 'text', required)
      .execute()
  },
}

/** What the subscriber that synchronizes sites remembers. It refers to no row: the copy outlives what it is a copy of. */
const siteCopies: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('siteCopy')
      .addColumn('tenantId', 'integer', required)
      .addColumn('entityName', 'text', required)
      .addColumn('primarySiteId', 'integer', required)
      .addColumn('primaryId', 'integer', required)
      .addColumn('siteId', 'integer', (column) => refersTo('site')(column).onDelete('cascade'))
      .addColumn('copyId', 'integer', required)
      .addPrimaryKeyConstraint('siteCopyKey', ['entityName', 'primaryId', 'siteId'])
      .execute()
    await db.schema
      .createIndex('siteCopyIsUnique')
      .unique()
      .on('siteCopy')
      .columns(['entityName', 'copyId'])
      .execute()
  },
}

/** In the order of their names. */
const migrations: Readonly<Record<string, Migration>> = {
  ...Object.fromEntries(entities.map((entity) => [entity.migration, tableOf(entity)])),
  '0016-credentials': credentials,
  '0017-download-log': downloadLog,
  '0018-installation': installation,
  '0024-site-copies': siteCopies,
}

/** Brings the host's own tables up to date; engine and sender see to theirs. */
export async function migrateHostTables(db: Kysely<HostTables>): Promise<void> {
  if (!db.getExecutor().adapter.supportsTransactionalDdl) return runMigrations(db)
  // Kysely's migrator takes a lock of the session, which a pooler in transaction mode hands to others. Within one
  // transaction, behind a lock that ends with it, that does no harm.
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('reference-host migration'))`.execute(trx)
    await runMigrations(trx)
  })
}

async function runMigrations(db: Kysely<HostTables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error instanceof Error && error.message.startsWith('corrupted migrations')) {
    throw new Error(
      `The tables were made by another version of this host, and cannot be migrated: ${error.message}. Remove ` +
        'HOST_DATA_DIR (npm start: the folder data), or name another database in DATABASE_URL.',
      { cause: error },
    )
  }
  if (error) throw error
}

/** Sees to the triggers of all entities; where they are up to date, it does nothing. */
export async function captureEntities(engine: EventEngine<HostTables>): Promise<void> {
  for (const entity of entities) {
    if (!entity.eventsOf) await captureEntity(engine, entity)
  }
}
