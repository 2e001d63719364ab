import { ALL_TENANTS, type Clock, type SyncEvent } from '@x/events-core'
import { EventEngineError } from '../errors.ts'
import { readRows } from '../sql/database.ts'
import { noteOwnTables } from '../sql/own-tables.ts'
import { appendStatements } from './append.ts'
import type { LogContext } from './context.ts'
import { eventColumns, eventOf, selectedColumns } from './event-row.ts'
import { leaseStatements } from './leases.ts'
import { logOrderOf } from './log-order.ts'
import { manageStatements } from './manage-subscriptions.ts'
import { parkStatements } from './park-event.ts'
import { purgeStatements } from './purge.ts'
import { tenantStatements } from './purge-tenant.ts'
import { withReadAhead } from './read-ahead.ts'
import { positionStatements } from './save-position.ts'
import { shrinkStatements } from './shrink-file.ts'

/** What {@link openEventStore} works with. */
export interface EventStoreParts extends LogContext {
  /** The name under which leases are held. */
  readonly nodeId: string
  readonly clock: Clock
}

/** Opens the event log of a database. Statements are composed here, once. */
export function openEventStore(parts: EventStoreParts) {
  const { nodeId, clock, names } = parts
  noteOwnTables([names.syncEvent, names.subscription, names.parkedEvent, names.logState], notMigrated)
  const { isBehind, deletedNumber, ...reading } = logOrderOf(parts)
  return {
    ...reading,
    ...withReadAhead(reading.readAfter),
    ...appendStatements(parts),
    ...clientEventStatements(parts),
    ...tenantStatements(parts),
    ...manageStatements(parts),
    ...positionStatements(parts),
    ...leaseStatements(parts, nodeId, clock),
    ...parkStatements(parts, clock),
    ...purgeStatements(parts, { isBehind, deletedNumber }, clock),
    ...shrinkStatements(parts),
  }
}

/** All that the engine asks of a database. */
export type EventStore = ReturnType<typeof openEventStore>

function notMigrated(table: string, cause: unknown): EventEngineError {
  return new EventEngineError(
    'not_migrated',
    `The database has no table ${table}; call engine.migrate() first, or run all of eventLogMigrations() among your own.`,
    { cause },
  )
}

function clientEventStatements({ db, sql, names }: LogContext) {
  const clientEvents = sql.statement(`select ${selectedColumns(sql)} from ${names.syncEvent} e
    where e.action in ('Refresh', 'Reload') and e.tenant_id in ($1, ${ALL_TENANTS}) and e.modified_on >= ${sql.time('$2')}
    order by e.seq`)
  return {
    /** Refresh and Reload events of a tenant and of all tenants. */
    async readClientEvents(tenantId: number, since: Date): Promise<SyncEvent[]> {
      const rows = await readRows(db, eventColumns, clientEvents, [tenantId, since.getTime()])
      return rows.map(eventOf)
    },
  }
}
