import {
  createRowsStatement,
  integer,
  nullable,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import type { DeliveryStore, MessageToStore } from '../delivery-store.ts'
import { messageName } from '../messages/compose.ts'
import type { NoteClock } from '../store/clock.ts'
import type { TableNames } from '../table-names.ts'
import { enqueueStatement } from './enqueue.ts'
import { openLanesStatement } from './open-lanes.ts'

/** Messages with their deliveries, many at once. */
export function messageStatements(
  names: TableNames,
  noteClock: NoteClock,
): Pick<DeliveryStore, 'storeMessages'> {
  const insertMessages = createRowsStatement(
    8,
    { key: integer, event_id: text, variant: nullable(text) },
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
  const enqueue = enqueueStatement(names)
  const openLanes = openLanesStatement(names)

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
    const stored = await insertMessages(executor, [now], rows)
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
    await runStatement(executor, enqueue, [JSON.stringify([...dueOn])])
    await noteClock(executor, now)
    return messages.map(({ eventId, variant }) => keyOf.get(messageName(eventId, variant)) as number)
  }

  return { storeMessages }
}
