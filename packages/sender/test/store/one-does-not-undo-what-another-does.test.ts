import { sqlDialectOf } from '@x/events-engine/internal'
import { manualClock, waitFor } from '@x/testkit'
import { type IsolationLevel, Kysely, sql, type Transaction } from 'kysely'
import { expect, it, onTestFinished, vi } from 'vitest'
import { asSharedClock } from '../../src/clock.ts'
import type { AttemptResult } from '../../src/deliveries/attempt-result.ts'
import type { MessageToStore } from '../../src/store/messages.ts'
import type { DeliveryStore } from '../../src/store/store.ts'
import { openStore } from '../../src/store/store.ts'
import { tableNames } from '../../src/table-names.ts'
import { onPostgres } from '../each-database.ts'
import { type OpenHost, openHost } from '../open-host.ts'
import { successOf } from '../success-of.ts'

const names = tableNames('xe_', undefined)
const NOW = 1_000_000

/** What one node does, on a connection or in a transaction of it. */
const storeOn = (db: unknown, node: string): DeliveryStore =>
  openStore({
    db: db as Kysely<unknown>,
    sql: sqlDialectOf('postgres'),
    names,
    nodeId: node,
    clock: asSharedClock(manualClock(NOW)),
  })

const messageTo = (...endpointKeys: readonly number[]): MessageToStore => messageInOrder(null, endpointKeys)

const messageInOrder = (orderingKey: string | null, endpointKeys: readonly number[]): MessageToStore => ({
  eventId: `evt_${Math.random()}`,
  tenantId: 1,
  siteId: 7,
  eventType: 'Page.Update',
  variant: null,
  body: '{}',
  headers: null,
  traceparent: null,
  targets: endpointKeys.map((endpointKey) => ({
    endpointKey,
    orderingKey,
    dueOn: NOW,
    isSequenced: false,
    isPull: false,
  })),
})

/** Two endpoints, with one delivery each, whose leases are the first node's. */
async function openNodes() {
  const host = await openHost()
  for (const name of ['one', 'two']) {
    await host.sender.endpoints.create({ tenantId: 1, url: `https://${name}.example.com` })
  }
  const first = storeOn(host.db, 'first')
  const storeIn = async (trx: Parameters<DeliveryStore['storeMessages']>[0]) => {
    const { keys } = await first.storeMessages(trx, [messageTo(1, 2)], NOW)
    return keys[0] as number
  }
  const messageKey = await host.db.transaction().execute(storeIn)
  const leases = await first.leaseDueEndpoints(60_000, 10, [])
  expect(leases).toHaveLength(2)
  const record = (store: DeliveryStore, ...results: AttemptResult[]) =>
    store.recordAttempts({ results, states: [] }, async () => {})
  return {
    host,
    storeIn,
    first,
    messageKey,
    epoch: leases[0]?.epoch as number,
    record,
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

/** A transaction that stays open until it is told. */
async function openTransaction(host: OpenHost) {
  const given = Promise.withResolvers<Transaction<unknown>>()
  const ended = Promise.withResolvers<void>()
  const running = host.db.transaction().execute(async (trx) => {
    given.resolve(trx as unknown as Transaction<unknown>)
    await ended.promise
  })
  return {
    trx: await given.promise,
    commit() {
      ended.resolve()
      return running
    },
  }
}

/** A node's store, which can be told to record in a transaction that has not ended yet. */
function recordingStore(host: OpenHost) {
  let target = host.db as unknown as Kysely<unknown>
  const recording = storeOn(
    {
      executeQuery: (query: never) => target.executeQuery(query),
      getExecutor: () => target.getExecutor(),
      transaction: () => target.transaction(),
    },
    'first',
  )
  return {
    recording,
    recordIn(trx: Transaction<unknown>) {
      target = trx
    },
  }
}

const states = (host: OpenHost) =>
  host.run<{ endpoint_key: string; message_key: string; state: string }>(
    'select endpoint_key, message_key, state from xe_webhook_delivery order by message_key, endpoint_key',
  )
const attempts = async (host: OpenHost) => (await host.run('select from xe_webhook_attempt')).length
const waiting = async (host: OpenHost) =>
  (
    await host.run(
      "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    )
  ).length

it('sends again what a person has asked for, although the record from before is repeated', () =>
  onPostgres(async () => {
    await using nodes = await openNodes()
    const { first, messageKey, epoch, record } = nodes
    const key = { endpointKey: 1, messageKey }
    const stateOf = async () => (await first.findDelivery(key))?.state
    const success = successOf(1, messageKey, epoch, NOW)
    const failure = { ...success, state: 'exhausted', status: 500, errorCode: 'http_status' } as const
    // The short way, in a transaction with others, and what has failed for the last time.
    for (const [index, result] of [success, success, failure].entries()) {
      const number = 2 * index + 1
      if (index > 0) await first.resend(key)
      const others = index === 1 ? [{ ...successOf(2, messageKey, epoch, NOW), orderingKey: 'k' }] : []
      await record(first, { ...result, number })
      expect(await stateOf()).toBe(result.state)
      expect(await first.resend(key)).toBeUndefined()
      await record(first, { ...result, number, wasDueOn: NOW - 1 }, ...others)
      expect(await stateOf()).toBe('pending')
      await record(first, { ...success, number: number + 1, manual: true })
      expect(await stateOf()).toBe('succeeded')
    }
  }))

it('finds what is stored while an endpoint is found to have nothing left', () =>
  onPostgres(async () => {
    await using nodes = await openNodes()
    const { host, first, messageKey, epoch, record } = nodes
    await record(first, successOf(1, messageKey, epoch, NOW), successOf(2, messageKey, epoch, NOW))
    await host.db.transaction().execute((trx) => first.storeMessages(trx, [messageTo(1, 2)], NOW))
    const { trx, commit } = await openTransaction(host)
    // The queue's rows say already what they have to.
    await first.storeMessages(trx, [messageTo(1, 2)], NOW)
    await host.run("update xe_webhook_delivery set state = 'succeeded' where message_key < 3")
    let settled = false
    const settling = first.settleQueue([1, 2]).then(() => {
      settled = true
    })
    for (;;) if (settled || (await waiting(host)) > 0) break
    await commit()
    await settling
    const late = await host.run('select from xe_webhook_queue where due_on is null or first_on is null')
    expect(late).toEqual([])
    expect(await first.nextDeliveries([1, 2], [], 10)).toHaveLength(2)
  }))

it('records nothing of a lease that another node has taken since, also when all has gone well', () =>
  onPostgres(async () => {
    await using nodes = await openNodes()
    const { host, storeIn, first, messageKey, epoch, record } = nodes
    const keys: number[] = [messageKey]
    for (let more = 0; more < 2; more++) {
      keys.push(await host.db.transaction().execute(storeIn))
    }
    const [one = 0, two = 0, three = 0] = keys
    await record(first, successOf(1, one, epoch, NOW), successOf(2, one, epoch, NOW))
    // From here on, what goes well is recorded in the short way.
    await record(first, successOf(1, two, epoch, NOW))
    expect(await attempts(host)).toBe(3)
    await host.run('update xe_webhook_queue set epoch = epoch + 1 where endpoint_key = 1')
    await record(first, successOf(1, three, epoch, NOW), successOf(2, two, epoch, NOW))
    const pending = (await states(host)).filter(({ state }) => state === 'pending')
    expect(
      pending.map(({ endpoint_key, message_key }) => [Number(endpoint_key), Number(message_key)]),
    ).toEqual([
      [1, three],
      [2, three],
    ])
    expect(await attempts(host)).toBe(4)
  }))

it('tells and counts nothing again of what a commit has written whose answer was lost', () =>
  onPostgres(async () => {
    await using nodes = await openNodes()
    const { host, first, messageKey, epoch } = nodes
    const told: number[] = []
    const record = () =>
      first.recordAttempts(
        {
          results: [
            {
              ...successOf(1, messageKey, epoch, NOW),
              state: 'exhausted',
              status: 500,
              errorCode: 'http_status',
            },
            successOf(2, messageKey, epoch, NOW),
          ],
          states: [],
        },
        async (_trx, { exhausted }) => void told.push(exhausted.length),
      )
    await record()
    await record()
    expect(told).toEqual([1])
    expect(await attempts(host)).toBe(2)
    expect(await host.run('select from xe_webhook_counter')).toHaveLength(1)
  }))

it('lets people change deliveries between results, and not in their midst', () =>
  onPostgres(async () => {
    await using nodes = await openNodes()
    const { host, storeIn, first, messageKey, epoch, record } = nodes
    const { recording, recordIn } = recordingStore(host)
    const more: number[] = []
    for (let count = 0; count < 3; count++) {
      more.push(await host.db.transaction().execute(storeIn))
    }
    const [next = 0, cancelled = 0, again = 0] = more
    await record(recording, successOf(1, messageKey, epoch, NOW), successOf(2, messageKey, epoch, NOW))
    const { trx, commit } = await openTransaction(host)
    recordIn(trx)
    await record(recording, successOf(1, next, epoch, NOW))
    // Other deliveries of the same endpoint: of many, some may be among the results, in another order.
    let changed = 0
    const changing = [
      first.cancel({ endpointKey: 1, messageKey: cancelled }).then((done) => expect(done).toBe(true)),
      first.resend({ endpointKey: 1, messageKey: again }).then((not) => expect(not).toBeUndefined()),
    ].map((change) => change.then(() => void changed++))
    await waitFor(async () => changed > 0 || (await waiting(host)) === 2, 'people to wait')
    expect(changed).toBe(0)
    await commit()
    await Promise.all(changing)
    expect(changed).toBe(2)
  }))

it('takes no lease from under results that are being recorded', () =>
  onPostgres(async () => {
    await using nodes = await openNodes()
    const { host, storeIn, messageKey, epoch, record } = nodes
    const { trx, commit } = await openTransaction(host)
    const { recording, recordIn } = recordingStore(host)
    const next = await host.db.transaction().execute(storeIn)
    await record(recording, successOf(1, messageKey, epoch, NOW), successOf(2, messageKey, epoch, NOW))
    // In the short way, of a statement that has not ended yet.
    recordIn(trx)
    await record(recording, successOf(1, next, epoch, NOW))
    await host.run('update xe_webhook_queue set leased_until = 0')
    const second = storeOn(host.db, 'second')
    const take = async () =>
      (await second.leaseDueEndpoints(60_000, 10, [])).map(({ endpointKey }) => endpointKey)
    expect(await take()).toEqual([2])
    await commit()
    expect(await take()).toEqual([1])
  }))

/** Nodes whose first endpoint has one delivery in order, recorded in one round trip where that is possible. */
async function openNodesInOrder() {
  const nodes = await openNodes()
  const { host, first, messageKey, epoch, record } = nodes
  const store = async (trx: Transaction<unknown>) =>
    (await first.storeMessages(trx, [messageInOrder('k', [1])], NOW)).keys[0] as number
  const key = await host.db.transaction().execute((trx) => store(trx as unknown as Transaction<unknown>))
  // From here on, the queue's rows are fresh.
  await record(first, successOf(1, messageKey, epoch, NOW), successOf(2, messageKey, epoch, NOW))
  return {
    ...nodes,
    store,
    key,
    recordInOrder: () => record(first, { ...successOf(1, key, epoch, NOW), orderingKey: 'k' }),
  }
}

/** Counts calls of the function that records in one round trip. */
function countCalls(): () => number {
  const spy = vi.spyOn(Kysely.prototype, 'executeQuery')
  onTestFinished(() => spy.mockRestore())
  return () =>
    spy.mock.calls.filter(([query]) =>
      (query as { readonly sql: string }).sql.startsWith('select * from xe_webhook_record_ordered('),
    ).length
}

it.each(['in one round trip', 'in a transaction'])(
  'finds the next in order that is stored while the one before is recorded, %s',
  (how) =>
    onPostgres(async () => {
      await using nodes = await openNodesInOrder()
      const { host, store, recordInOrder } = nodes
      const isAtOnce = how === 'in one round trip'
      // As after a restore of the tables alone.
      if (!isAtOnce) await host.run('drop function xe_webhook_record_ordered')
      const calls = countCalls()
      const { trx, commit } = await openTransaction(host)
      const next = await store(trx)
      const recording = recordInOrder()
      await waitFor(async () => (await waiting(host)) === 1, 'the record to wait for the queue')
      await commit()
      expect((await recording).next).toMatchObject([{ messageKey: next, dueOn: NOW, orderingKey: 'k' }])
      expect(calls()).toBe(1)
      expect(await attempts(host)).toBe(3)
    }),
)

it('leaves the next in order due when a record is repeated whose response was lost', () =>
  onPostgres(async () => {
    await using nodes = await openNodesInOrder()
    const { host, first, store, key, recordInOrder } = nodes
    const next = await host.db.transaction().execute((trx) => store(trx as unknown as Transaction<unknown>))
    expect((await recordInOrder()).next).toHaveLength(1)
    const counters = async () => (await host.run('select from xe_webhook_counter')).length
    const before = await counters()
    // The node does not know of it: it reads it.
    expect((await recordInOrder()).next).toEqual([])
    expect(await first.nextDeliveries([1], [], 10)).toMatchObject([{ messageKey: next }])
    expect((await first.findDelivery({ endpointKey: 1, messageKey: key }))?.state).toBe('succeeded')
    expect(await attempts(host)).toBe(3)
    expect(await counters()).toBe(before)
  }))

it('records nothing in order under a lease that another node has taken since', () =>
  onPostgres(async () => {
    await using nodes = await openNodesInOrder()
    const { host, store, key, recordInOrder } = nodes
    await host.db.transaction().execute((trx) => store(trx as unknown as Transaction<unknown>))
    await host.run('update xe_webhook_queue set epoch = epoch + 1 where endpoint_key = 1')
    expect((await recordInOrder()).next).toEqual([])
    const pending = (await states(host)).filter(({ state }) => state === 'pending')
    expect(pending.map(({ message_key }) => Number(message_key))).toEqual([key, key + 1])
    expect(await attempts(host)).toBe(2)
  }))

it('records in a transaction of its own level where transactions have another by default', () =>
  onPostgres(async () => {
    await using nodes = await openNodesInOrder()
    const { host } = nodes
    const callAt = (level: IsolationLevel) =>
      host.db
        .transaction()
        .setIsolationLevel(level)
        .execute((trx) => sql`select * from xe_webhook_record_ordered('[]', 1, '', '[]', '[]')`.execute(trx))
    expect((await callAt('read committed')).rows).toHaveLength(1)
    expect((await callAt('repeatable read')).rows).toEqual([])
  }))
