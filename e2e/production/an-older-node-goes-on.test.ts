import { join } from 'node:path'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { openHost } from './host.ts'

/** What a later version may do to the tables: add. */
const later = (integer: string) => [
  `alter table xe_sync_event add column later text`,
  `alter table xe_subscription add column later ${integer} not null default 0`,
  `alter table xe_webhook_endpoint add column later text`,
  `alter table xe_webhook_delivery add column later ${integer} not null default 7`,
  `create index xe_later on xe_webhook_delivery (later)`,
  `create table xe_later_table (id ${integer} primary key)`,
  `insert into xe_migration (name, timestamp) values ('9999_later', '')`,
  `update xe_log_state set schema_version = schema_version + 1`,
]

async function goesOn(place: string, migrate: (statements: string[]) => Promise<void>): Promise<void> {
  await using consumer = await testConsumer()
  {
    await using host = await openHost(place)
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    await host.raise(1)
    await consumer.received(1)

    await migrate(later('integer'))
    await host.raise(2, 3)
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
    await host.raise(4)
    await consumer.received(5)
    await waitFor(() => host.handled.length === 4, 'the subscriber to go on')
  }
  await expect(openHost(place)).rejects.toMatchObject({ code: 'schema_too_new' })
}

it('goes on while a newer version has added to the tables, and is not started on them again (SQLite)', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  await goesOn(file, async (statements) => {
    const other = new Database(file)
    for (const statement of statements) other.exec(statement)
    other.close()
  })
})

it('goes on while a newer version has added to the tables, and is not started on them again (PostgreSQL)', async () => {
  await using database = await postgresDatabase<object>()
  await goesOn(database.url, async (statements) => {
    for (const statement of statements) await database.pool.query(statement)
  })
})
