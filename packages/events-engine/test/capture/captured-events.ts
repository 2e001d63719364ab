import { type SyncEvent, systemClock } from '@x/events-core'
import { CompiledQuery, type Kysely } from 'kysely'
import { sqlDialectOf } from '../../src/sql/dialects.ts'
import { openEventStore } from '../../src/store/event-store.ts'
import { tableNames } from '../../src/store/table-names.ts'
import type { OpenEngine } from '../open-engine.ts'

/** Everything in a host's event log, in its order, read as the engine reads it. */
export async function loggedEvents({ db, engine }: Pick<OpenEngine, 'db' | 'engine'>): Promise<SyncEvent[]> {
  const names = tableNames(engine.tablePrefix, engine.schema)
  const store = openEventStore({
    db: db as Kysely<unknown>,
    sql: sqlDialectOf(engine.dialect),
    names,
    nodeId: 'test',
    clock: systemClock,
  })
  const { events } = await store.readAfter(store.startPosition(), 100_000)
  return events.map(({ event }) => event)
}

/** What an event says, in short. */
export function briefly({ action, entityId, tenantId, siteId }: SyncEvent): string {
  return `${action} ${JSON.stringify(entityId)} ${tenantId}:${siteId}`
}

/** Runs SQL of any kind. */
export async function run({ db }: Pick<OpenEngine, 'db'>, statement: string): Promise<unknown[]> {
  const { rows } = await db.executeQuery(CompiledQuery.raw(statement))
  return rows
}
