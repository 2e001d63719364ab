import type { DeliveryStore } from '../delivery-store.ts'
import { createPostgresStore } from '../postgres/store.ts'
import { createSqliteStore } from '../sqlite/store.ts'
import type { StoreContext } from './context.ts'
import { countStore } from './counts.ts'
import { endpointStore } from './endpoints.ts'
import { endpointStateStore } from './queue.ts'
import { secretStore } from './secrets.ts'

/** Opens the sender's tables. Statements are composed here, once. */
export function openStore(context: StoreContext): DeliveryStore {
  const { db, sql, names, nodeId, clock } = context
  const createStore = sql.name === 'postgres' ? createPostgresStore : createSqliteStore
  return {
    ...createStore(db, names, nodeId, clock),
    ...endpointStore(context),
    ...secretStore(context),
    ...endpointStateStore(context),
    ...countStore(context),
  }
}
