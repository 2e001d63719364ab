import {
  flag,
  integer,
  nullable,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import type { DeliveryStore, MessageToStore } from '../delivery-store.ts'
import { messageName } from '../messages/compose.ts'
import type { TableNames } from '../table-names.ts'
import { enqueueStatement } from './enqueue.ts'
import { keepQueuedQuery } from './keep-queued.ts'
import { openLanesStatement } from './open-lanes.ts'

const storedColumns = { key: integer, event_id: text, variant: nullable(text), is_queued: flag }

/** Messages with their deliveries. Each of the writes takes all its rows in one parameter. */
export function messageStatements(names: TableNames): Pick<DeliveryStore, 'storeMessages'> {
  const insert = `with m as materialized (
      select * from rows from (json_to_recordset($1::text::json) as (event_id text, event_type text, body text, traceparent text,
        variant text, headers text, tenant_id bigint, site_id bigint, targets json)) with ordinality as m
    ), t as materialized (
      select m.ordinality, t.*
      from m cross join lateral json_to_recordset(m.targets) as t(endpoint_key bigint, lane text, due_on bigint)
    ), due as materialized (
      select endpoint_key, min(due_on) as due_on from t group by endpoint_key
    ), kept as materialized (
      ${keepQueuedQuery(names, 'due')}
    ), stored as (
      insert into ${names.message} (event_id, event_type, created_on, body, traceparent, variant, headers, tenant_id, site_id)
      select event_id, event_type, $2, body, traceparent, variant, headers, tenant_id, site_id from m order by ordinality
      returning key, event_id, variant
    ), deliveries as (
      insert into ${names.delivery} (endpoint_key, message_key, lane, due_on, created_on)
      select t.endpoint_key, stored.key, t.lane, case when t.lane is null then t.due_on end, $2
      from stored join m on m.event_id = stored.event_id and m.variant is not distinct from stored.variant
        join t on t.ordinality = m.ordinality
    )
    select key, event_id, variant, (select count(*) from kept) = (select count(*) from due) as is_queued from stored`
  const enqueue = enqueueStatement(names)
  const openLanes = openLanesStatement(names)

  async function storeMessages(
    executor: SqlExecutor,
    messages: readonly MessageToStore[],
    now: number,
  ): Promise<number[]> {
    const lanes = new Map<string, { endpoint_key: number; lane: string; due_on: number }>()
    const dueOn = new Map<number, number>()
    const rows = messages.map((message) => ({
      event_id: message.eventId,
      event_type: message.eventType,
      body: message.body,
      traceparent: message.traceparent,
      variant: message.variant,
      headers: message.headers,
      tenant_id: message.tenantId,
      site_id: message.siteId,
      targets: message.targets.map(({ endpointKey, lane, dueOn: due }) => {
        dueOn.set(endpointKey, Math.min(due, dueOn.get(endpointKey) ?? due))
        const target = { endpoint_key: endpointKey, lane, due_on: due }
        if (lane !== null) lanes.set(`${endpointKey}:${lane}`, { ...target, lane })
        return target
      }),
    }))
    const stored = await readRows(executor, storedColumns, insert, [JSON.stringify(rows), now])
    const keyOf = new Map(stored.map(({ key, event_id, variant }) => [messageName(event_id, variant), key]))
    // In any case before the lanes are looked at: whoever ends a lane's delivery just now is waited for.
    if (!stored.every(({ is_queued }) => is_queued)) {
      const due = [...dueOn].map(([endpoint_key, due_on]) => ({ endpoint_key, due_on }))
      await runStatement(executor, enqueue, [JSON.stringify(due)])
    }
    if (lanes.size > 0) await runStatement(executor, openLanes, [JSON.stringify([...lanes.values()])])
    return messages.map(({ eventId, variant }) => keyOf.get(messageName(eventId, variant)) as number)
  }

  return { storeMessages }
}
