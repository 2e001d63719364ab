import { runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore, MessageToStore } from '../delivery-store.ts'
import { messageName } from '../messages/message-name.ts'
import type { TableNames } from '../table-names.ts'
import type { SharedClock } from './database-clock.ts'
import { endPauseStatement } from './endpoint-state.ts'
import { enqueueStatement } from './enqueue.ts'
import { openLanesStatement } from './open-lanes.ts'
import type { StoredNumber } from './stored-values.ts'

interface NewMessage {
  readonly key: StoredNumber
  readonly event_id: string
  readonly variant: string | null
}

/** Messages with their deliveries. Each of the writes takes all its rows in one parameter. */
export function messageStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: SharedClock,
): Pick<DeliveryStore, 'storeMessages' | 'storeTestMessage'> {
  const insertMessages = `insert into ${names.message} (event_id, event_type, created_on, body, traceparent, variant, headers,
      tenant_id, site_id)
    select m.event_id, m.event_type, $2, m.body, m.traceparent, m.variant, m.headers, m.tenant_id, m.site_id
    from rows from (json_to_recordset($1) as (event_id text, event_type text, body text, traceparent text, variant text,
      headers text, tenant_id bigint, site_id bigint)) with ordinality as m
    order by m.ordinality
    returning key, event_id, variant`
  const insertDeliveries = `insert into ${names.delivery} (endpoint_key, message_key, lane, due_on, created_on)
    select d.endpoint_key, d.message_key, d.lane, case when d.lane is null then d.due_on end, $2
    from json_to_recordset($1) as d(endpoint_key bigint, message_key bigint, lane text, due_on bigint)`
  const enqueue = enqueueStatement(names)
  const endPause = endPauseStatement(names)
  const openLanes = openLanesStatement(names)

  async function storeMessages(
    executor: SqlExecutor,
    messages: readonly MessageToStore[],
    now: number,
  ): Promise<number[]> {
    const rows = messages.map(
      ({ eventId, eventType, body, traceparent, variant, headers, tenantId, siteId }) => ({
        event_id: eventId,
        event_type: eventType,
        body,
        traceparent,
        variant,
        headers,
        tenant_id: tenantId,
        site_id: siteId,
      }),
    )
    const stored = await runStatement<NewMessage>(executor, insertMessages, [JSON.stringify(rows), now])
    const keyOf = new Map(
      stored.map(({ key, event_id, variant }) => [messageName(event_id, variant), Number(key)]),
    )
    const deliveries: { endpoint_key: number; message_key: number; lane: string | null; due_on: number }[] =
      []
    const lanes = new Map<string, { endpoint_key: number; lane: string; due_on: number }>()
    const dueOn = new Map<number, number>()
    for (const { eventId, variant, targets } of messages) {
      const messageKey = keyOf.get(messageName(eventId, variant)) as number
      for (const { endpointKey, lane, dueOn: due } of targets) {
        deliveries.push({ endpoint_key: endpointKey, message_key: messageKey, lane, due_on: due })
        dueOn.set(endpointKey, Math.min(due, dueOn.get(endpointKey) ?? due))
        if (lane !== null)
          lanes.set(`${endpointKey}:${lane}`, { endpoint_key: endpointKey, lane, due_on: due })
      }
    }
    await runStatement(executor, insertDeliveries, [JSON.stringify(deliveries), now])
    // Before the lanes are looked at: whoever ends a lane's delivery just now is waited for.
    const due = [...dueOn].map(([endpoint_key, due_on]) => ({ endpoint_key, due_on }))
    await runStatement(executor, enqueue, [JSON.stringify(due)])
    if (lanes.size > 0) await runStatement(executor, openLanes, [JSON.stringify([...lanes.values()])])
    return messages.map(({ eventId, variant }) => keyOf.get(messageName(eventId, variant)) as number)
  }

  return {
    storeMessages,
    async storeTestMessage(message) {
      await clock.sync()
      const now = clock.now()
      const targets = message.targets.map((target) => ({ ...target, dueOn: now }))
      const keys = await db.transaction().execute(async (trx) => {
        for (const { endpointKey } of targets) await runStatement(trx, endPause, [endpointKey])
        return storeMessages(trx, [{ ...message, targets }], now)
      })
      return { endpointKey: message.targets[0]?.endpointKey as number, messageKey: keys[0] as number }
    },
  }
}
