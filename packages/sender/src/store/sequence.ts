import {
  integer,
  json,
  nullable,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
  word,
} from '@x/events-engine/internal'
import { chainNext, chainStart, digestOf } from '@x/signature'
import type { DeliveryState } from '../deliveries/delivery.ts'
import type { DeliveryLink } from '../deliveries/delivery-row.ts'
import type { StoreContext } from './context.ts'

/** Whom a message goes to, as far as its number matters. */
interface NumberedTarget {
  readonly endpointKey: number
  readonly isSequenced: boolean
}

/** A message, as far as its number matters. */
interface MessageToNumber<TTarget> {
  readonly eventId: string
  readonly body: string
  readonly targets: readonly TTarget[]
}

/** A numbered message, as it is sent. */
export interface SequencedMessage extends DeliveryLink {
  readonly endpointKey: number
  readonly messageKey: number
  /** The `webhook-id`. */
  readonly eventId: string
  readonly body: string
  /** Its own headers, name and value in turn, its content type first; null for `application/json`. */
  readonly headers: readonly string[] | null
  readonly createdOn: number
  readonly state: DeliveryState
}

/** What an endpoint has after a number. */
export interface MessagesAfter {
  /** In the order of their numbers, without a gap, beginning right after the number; none where that is gone. */
  readonly messages: readonly SequencedMessage[]
  /**
   * Where the next one was deleted by retention: the first number that is still there, or will be given next. Undefined
   * where nothing is missing.
   */
  readonly first: number | undefined
  /** The last number that was given; 0 for none. */
  readonly last: number
}

const headColumns = { endpoint_key: integer, last: integer, chain: text, endpoint_id: nullable(text) }

const messageColumns = {
  endpoint_key: integer,
  message_key: integer,
  sequence: integer,
  chain: text,
  event_id: text,
  body: text,
  headers: nullable(json<string[]>()),
  created_on: integer,
  state: word<DeliveryState>(),
}

/**
 * Numbers messages: each endpoint has a row with its last number and chain hash. It is locked before anything else that
 * a transaction locks of endpoints, so that keys of messages ascend with their numbers, and no two transactions wait for
 * each other.
 */
export function numberingStatements({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const heads = `select s.endpoint_key, s.last, s.chain,
      (select e.id from ${names.endpoint} e where e.key = s.endpoint_key) as endpoint_id
    from ${names.sequence} s where ${sql.limitsIdle} and ${sql.isListed('s.endpoint_key', '$1')}
    order by s.endpoint_key`
  const lock = sql.statement(`${heads}${sql.lock('for update of s')}`)
  const begin = sql.statement(`insert into ${names.sequence} (endpoint_key)
    select e.key from ${names.endpoint} e where ${sql.isListed('e.key', '$1')} order by e.key${sql.upsert({ key: 'endpoint_key' })}`)
  const ends = sql.records({ endpoint_key: 'integer', last: 'integer', chain: 'text' })
  const save = sql.statement(
    sql.update({
      table: names.sequence,
      alias: 's',
      set: 'last = n.last, chain = n.chain',
      from: ends.table('$1', 'n'),
      where: 's.endpoint_key = n.endpoint_key',
    }),
  )

  /** Reads the ends of endpoints' chains, and locks them: no other node numbers their messages until the transaction ends. */
  async function lockHeads(trx: SqlExecutor, endpointKeys: readonly number[]) {
    const keys = JSON.stringify(endpointKeys)
    const rows = await readRows(trx, headColumns, lock, [keys])
    if (rows.length === endpointKeys.length) return rows
    await runStatement(trx, begin, [keys])
    return readRows(trx, headColumns, lock, [keys])
  }

  return {
    lockHeads,

    /**
     * Gives numbers to messages, in their order, in the transaction that stores them.
     *
     * @returns the numbers of the targets; those of endpoints without a sequence have none.
     */
    async number<TTarget extends NumberedTarget>(
      trx: SqlExecutor,
      messages: readonly MessageToNumber<TTarget>[],
    ): Promise<ReadonlyMap<TTarget, DeliveryLink>> {
      const links = new Map<TTarget, DeliveryLink>()
      const keys = new Set<number>()
      for (const { targets } of messages) {
        for (const target of targets) if (target.isSequenced) keys.add(target.endpointKey)
      }
      if (keys.size === 0) return links
      const rows = await lockHeads(trx, [...keys])
      const headOf = new Map(
        rows.map(({ endpoint_key, last, chain, endpoint_id }) => [
          endpoint_key,
          { sequence: last, chain: last === 0 ? chainStart(endpoint_id ?? '') : chain },
        ]),
      )
      for (const { eventId, body, targets } of messages) {
        let digest: string | undefined
        for (const target of targets) {
          // Without a head, the endpoint was purged meanwhile.
          const head = target.isSequenced ? headOf.get(target.endpointKey) : undefined
          if (!head) continue
          digest ??= digestOf(body)
          const sequence = head.sequence + 1
          const link = { sequence, chain: chainNext(head.chain, { sequence, id: eventId, digest }) }
          headOf.set(target.endpointKey, link)
          links.set(target, link)
        }
      }
      const saved = [...headOf].map(([endpointKey, { sequence, chain }]) => ({
        endpoint_key: endpointKey,
        last: sequence,
        chain,
      }))
      await runStatement(trx, save, [ends.encode(saved)])
      return links
    },
  }
}

/** Reads numbered messages. */
export function sequenceStore(context: StoreContext) {
  const { db, sql, names } = context
  // By the index on number and endpoint: it reads no more rows than it gives.
  const after =
    sql.statement(`select c.endpoint_key, c.message_key, c.sequence, c.chain, c.created_on, c.state,
      m.event_id, m.body, m.headers
    from (
      select endpoint_key, message_key, sequence, chain, created_on, state from ${names.delivery}
      where endpoint_key = (select key from ${names.endpoint} where id = $1 and tenant_id = $2 and deleted_on is null)
        and sequence > $3
      order by sequence limit $4
    ) c join ${names.message} m on m.key = c.message_key
    order by c.sequence`)
  const last = sql.statement(`select s.last from ${names.endpoint} e
    join ${names.sequence} s on s.endpoint_key = e.key
    where e.id = $1 and e.tenant_id = $2 and e.deleted_on is null`)

  const lastOfAll = sql.statement(`select s.endpoint_key, s.last from ${names.sequence} s
    where ${sql.isListed('s.endpoint_key', '$1')}`)

  return {
    /** The last numbers that were given to messages of endpoints; those that have none are left out. */
    async lastNumbers(endpointKeys: readonly number[]): Promise<ReadonlyMap<number, number>> {
      const columns = { endpoint_key: integer, last: integer }
      const rows = await readRows(db, columns, lastOfAll, [JSON.stringify(endpointKeys)])
      return new Map(rows.map((row) => [row.endpoint_key, row.last]))
    },

    /**
     * Messages of an endpoint after a number, whatever has become of their deliveries, for as long as retention keeps them.
     *
     * @param after - a number of the endpoint; 0 to begin.
     */
    async messagesAfter(query: {
      readonly endpointId: string
      readonly tenantId: number
      readonly after: number
      readonly limit: number
    }): Promise<MessagesAfter> {
      const { endpointId, tenantId, after: begin, limit } = query
      // Read before: what is numbered meanwhile is not taken for deleted.
      const [head] = await readRows(db, { last: integer }, last, [endpointId, tenantId])
      const given = head?.last ?? 0
      const rows = await readRows(db, messageColumns, after, [endpointId, tenantId, begin, limit])
      const messages: SequencedMessage[] = []
      for (const row of rows) {
        if (row.sequence !== begin + messages.length + 1) break
        messages.push({
          endpointKey: row.endpoint_key,
          messageKey: row.message_key,
          sequence: row.sequence,
          chain: row.chain,
          eventId: row.event_id,
          body: row.body,
          headers: row.headers,
          createdOn: row.created_on,
          state: row.state,
        })
      }
      const isMissing = messages.length === 0 && (rows.length > 0 || given > begin)
      return {
        messages,
        first: isMissing ? (rows[0]?.sequence ?? given + 1) : undefined,
        last: Math.max(given, messages.at(-1)?.sequence ?? 0),
      }
    },
  }
}
