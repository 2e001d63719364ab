import { watchedDatabaseOf } from './connections/watched-database.ts'
import type { EventEngine } from './engine.ts'
import type { EventStore } from './store/event-store.ts'
import { openEventStore } from './store/open-event-store.ts'
import { tableNames } from './store/table-names.ts'

function storeOf<DB>(engine: EventEngine<DB>): EventStore {
  const { dialect, tablePrefix, schema, nodeId, clock } = engine
  return openEventStore(watchedDatabaseOf(engine).db, dialect, tableNames(tablePrefix, schema), nodeId, clock)
}

/**
 * Stores a durable subscription before anybody runs it, so that it will hear of everything that is
 * raised from now on. Nothing happens when it is stored already.
 */
export async function reserveSubscription<DB>(engine: EventEngine<DB>, name: string): Promise<void> {
  const store = storeOf(engine)
  await store.createSubscription(name, await store.endPosition())
}

/** Whether there are committed events that a durable subscription has not handled, wanted or not. */
export async function hasUnreadEvents<DB>(engine: EventEngine<DB>, name: string): Promise<boolean> {
  const store = storeOf(engine)
  const stored = (await store.listSubscriptions()).find((subscription) => subscription.name === name)
  if (!stored) return false
  const { events } = await store.readAfter(stored.position, 1)
  return events.length > 0
}
