import { createRowsStatement, ownTransaction, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore, MessageToStore } from '../delivery-store.ts'
import { messageName } from '../messages/message-name.ts'
import type { TableNames } from '../table-names.ts'
import { endPauseStatement } from './endpoint-state.ts'
import { openLanesStatement } from './open-lanes.ts'

interface NewMessage {
  readonly key: number
  readonly event_id: string
  readonly variant: string | null
}

/** Messages with their deliveries, many at once. */
export function messageStatements(
  db: Kysely<unknown>,
  names: TableNames,
): Pick<DeliveryStore, 'storeMessages' | 'storeTestMessage'> {
  const insertMessages = createRowsStatement(
    8,
    (
      rows,
    ) => `insert into ${names.message} (created_on, event_id, event_type, body, traceparent, variant, headers,
        tenant_id, site_id)
      select ?, * from ${rows} where column1 is not null
      returning key, event_id, variant`,
  )
  const insertDeliveries = `insert into ${names.delivery} (endpoint_key, message_key, lane, due_on, created_on)
    select value ->> 0, value ->> 1, value ->> 2, case when value ->> 2 is null then value ->> 3 end, ?
    from json_each(?)`
  // A row whose first delivery is due already needs no write.
  const queue = `insert into ${names.queue} (endpoint_key, due_on)
    select value ->> 0, value ->> 1 from json_each(?) where true
    on conflict (endpoint_key) do update set due_on = max(excluded.due_on, not_before)
      where due_on is null or due_on > max(excluded.due_on, not_before)`
  const openLanes = openLanesStatement(names)
  const endPause = endPauseStatement(names)

  async function storeMessages(
    executor: SqlExecutor,
    messages: readonly MessageToStore[],
    now: number,
  ): Promise<number[]> {
    const rows = messages.map(
      ({ eventId, eventType, body, traceparent, variant, headers, tenantId, siteId }) => [
        eventId,
        eventType,
        body,
        traceparent,
        variant,
        headers && JSON.stringify(headers),
        tenantId,
        siteId,
      ],
    )
    const stored = await insertMessages<NewMessage>(executor, [now], rows)
    const keyOf = new Map(stored.map(({ key, event_id, variant }) => [messageName(event_id, variant), key]))
    const deliveries: [number, number, string | null, number][] = []
    const lanes = new Map<string, [number, string, number]>()
    const dueOn = new Map<number, number>()
    for (const { eventId, variant, targets } of messages) {
      const messageKey = keyOf.get(messageName(eventId, variant)) as number
      for (const target of targets) {
        const { endpointKey, lane } = target
        deliveries.push([endpointKey, messageKey, lane, target.dueOn])
        dueOn.set(endpointKey, Math.min(target.dueOn, dueOn.get(endpointKey) ?? target.dueOn))
        if (lane !== null) lanes.set(`${endpointKey}:${lane}`, [endpointKey, lane, target.dueOn])
      }
    }
    await runStatement(executor, insertDeliveries, [now, JSON.stringify(deliveries)])
    if (lanes.size > 0) await runStatement(executor, openLanes, [JSON.stringify([...lanes.values()])])
    await runStatement(executor, queue, [JSON.stringify([...dueOn])])
    return messages.map(({ eventId, variant }) => keyOf.get(messageName(eventId, variant)) as number)
  }

  return {
    storeMessages,
    async storeTestMessage(message, now) {
      const keys = await ownTransaction(db, async (trx) => {
        for (const { endpointKey } of message.targets) await runStatement(trx, endPause, [endpointKey])
        return storeMessages(trx, [message], now)
      })
      return { endpointKey: message.targets[0]?.endpointKey as number, messageKey: keys[0] as number }
    },
  }
}
