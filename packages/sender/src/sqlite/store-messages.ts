import { runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryKey, DeliveryStore, MessageToStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'

/** Messages with their deliveries. Each of the three writes takes all its rows in one parameter. */
export function messageStatements(
  db: Kysely<unknown>,
  names: TableNames,
): Pick<DeliveryStore, 'storeMessages' | 'storeTestMessage'> {
  const insertMessages = `insert into ${names.message} (event_id, event_type, created_on, body)
    select value ->> 0, value ->> 1, ?, value ->> 2 from json_each(?) order by key
    returning key, event_id`
  const insertDeliveries = `insert into ${names.delivery} (endpoint_key, message_key, due_on, created_on)
    select value ->> 0, value ->> 1, ?, ? from json_each(?)`
  // A row whose first delivery is due already needs no write.
  const queue = `insert into ${names.queue} (endpoint_key, due_on) select value, ? from json_each(?) where true
    on conflict (endpoint_key) do update set due_on = excluded.due_on
      where due_on is null or due_on > excluded.due_on`

  async function storeMessages(
    executor: SqlExecutor,
    messages: readonly MessageToStore[],
    now: number,
    dueOn: number,
  ): Promise<DeliveryKey[]> {
    const rows = messages.map(({ eventId, eventType, body }) => [eventId, eventType, body])
    const stored = await runStatement<{ key: number; event_id: string }>(executor, insertMessages, [
      now,
      JSON.stringify(rows),
    ])
    const keyOf = new Map(stored.map(({ key, event_id }) => [event_id, key]))
    const deliveries: [number, number][] = []
    for (const { eventId, endpointKeys } of messages) {
      const messageKey = keyOf.get(eventId) as number
      for (const endpointKey of endpointKeys) deliveries.push([endpointKey, messageKey])
    }
    await runStatement(executor, insertDeliveries, [dueOn, now, JSON.stringify(deliveries)])
    const endpointKeys = new Set(deliveries.map(([endpointKey]) => endpointKey))
    await runStatement(executor, queue, [dueOn, JSON.stringify([...endpointKeys])])
    return deliveries.map(([endpointKey, messageKey]) => ({ endpointKey, messageKey }))
  }

  return {
    async storeMessages(executor, messages, now, dueOn) {
      await storeMessages(executor, messages, now, dueOn)
    },
    async storeTestMessage(message, now) {
      const keys = await db.transaction().execute((trx) => storeMessages(trx, [message], now, now))
      return keys[0] as DeliveryKey
    },
  }
}
