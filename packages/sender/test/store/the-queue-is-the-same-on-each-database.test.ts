import type { Clock } from '@x/events-core'
import { sqlDialectOf } from '@x/events-engine/internal'
import { manualClock } from '@x/testkit'
import type { Kysely, Transaction } from 'kysely'
import { expect, it } from 'vitest'
import { asSharedClock } from '../../src/clock.ts'
import type { AttemptResult, EndpointState } from '../../src/deliveries/attempt-result.ts'
import type { MessageToStore } from '../../src/store/messages.ts'
import type { DeliveryStore } from '../../src/store/store.ts'
import { openStore } from '../../src/store/store.ts'
import { tableNames } from '../../src/table-names.ts'
import { onPostgres, type TestDialect, testDialect } from '../each-database.ts'
import { type OpenHost, openHost } from '../open-host.ts'
import { successOf } from '../success-of.ts'

const START = Date.UTC(2026, 0, 1)
const MINUTE = 60_000
/** More than a busy endpoint's row may lag behind. */
const STEP = 10_000
const ENDPOINT = 1
const names = tableNames('xe_', undefined)

/** What a scenario works with: one endpoint, and deliveries that are due. */
interface World {
  readonly host: OpenHost
  readonly store: DeliveryStore
  /** When the deliveries were stored. */
  readonly start: number
  readonly now: number
  readonly epoch: number
  /** Of deliveries in no ordering key, and of two in one. */
  readonly keys: readonly number[]
  readonly lane: readonly number[]
  inTransaction<TResult>(work: (trx: Transaction<unknown>) => Promise<TResult>): Promise<TResult>
}

const messageTo = (eventId: string, orderingKey: string | null, dueOn: number): MessageToStore => ({
  eventId,
  tenantId: 1,
  siteId: 7,
  eventType: 'Page.Update',
  variant: null,
  body: '{}',
  headers: null,
  traceparent: null,
  targets: [{ endpointKey: ENDPOINT, orderingKey, dueOn, isSequenced: false, isPull: false }],
})

const failureOf = (world: World, messageKey: number, more: Partial<AttemptResult> = {}): AttemptResult => ({
  ...successOf(ENDPOINT, messageKey, world.epoch, world.start),
  state: 'pending',
  status: 503,
  errorCode: 'http_status',
  dueOn: world.now + MINUTE,
  ...more,
})

const stateOf = (world: World, notBefore: number, resets = 0): EndpointState => ({
  endpointKey: ENDPOINT,
  epoch: world.epoch,
  resets,
  failingSince: world.start,
  notBefore,
  details: '{"level":1}',
  rate: null,
  changes: 1,
})

const record = (world: World, results: readonly AttemptResult[], states: readonly EndpointState[] = []) =>
  world.store.recordAttempts({ results, states }, async () => {})

/** Pauses the endpoint for an hour from now on, as a failure does. */
const pause = (world: World) =>
  record(world, [failureOf(world, world.keys[0] as number)], [stateOf(world, world.now + 60 * MINUTE)])

const conditions: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'is fresh': async () => {},
  'is paused': pause,
  'is paused, and a person has asked for one': async (world) => {
    await pause(world)
    await world.store.resend({ endpointKey: ENDPOINT, messageKey: world.keys[1] as number })
  },
  'has retries only': (world) =>
    record(
      world,
      [...world.keys, world.lane[0] as number].map((key, index) =>
        failureOf(world, key, index === 3 ? { orderingKey: 'a' } : {}),
      ),
    ),
  'has nothing left': async (world) => {
    await record(
      world,
      world.keys.map((key) => successOf(ENDPOINT, key, world.epoch, world.start)),
    )
    for (const key of world.lane) {
      await record(world, [{ ...successOf(ENDPOINT, key, world.epoch, world.start), orderingKey: 'a' }])
    }
    await world.store.settleQueue([ENDPOINT])
  },
  'is disabled': (world) => world.store.setEnabled(ENDPOINT, false, 'manual', world.now),
  'is disabled in a pause': async (world) => {
    await pause(world)
    await world.store.setEnabled(ENDPOINT, false, 'manual', world.now)
  },
  'is handed back': (world) => world.store.releaseLeases([{ endpointKey: ENDPOINT, epoch: world.epoch }]),
  'has no row': (world) => world.host.run('delete from xe_webhook_queue'),
}

const first = ({ keys }: World) => ({ endpointKey: ENDPOINT, messageKey: keys[0] as number })
const second = ({ lane }: World) => ({ endpointKey: ENDPOINT, messageKey: lane[1] as number })
const nothing = { endpointKey: ENDPOINT, messageKey: 999 }

const operations: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'a message is stored': (world) =>
    world.inTransaction((trx) =>
      world.store.storeMessages(trx, [messageTo('evt_n', null, world.now)], world.now),
    ),
  'a message is stored for later': (world) =>
    world.inTransaction((trx) =>
      world.store.storeMessages(trx, [messageTo('evt_n', null, world.now + MINUTE)], world.now),
    ),
  'a message is stored in an ordering key': (world) =>
    world.inTransaction((trx) =>
      world.store.storeMessages(trx, [messageTo('evt_n', 'a', world.now)], world.now),
    ),
  'a test is sent': (world) =>
    world.store.storeTestMessage(messageTo('evt_n', null, world.now), { key: ENDPOINT, sequence: false }),
  'one is resent': (world) => world.store.resend(first(world)),
  'one is resent out of turn': (world) => world.store.resend(second(world)),
  'one is resent that is not there': (world) => world.store.resend(nothing),
  'many are resent': (world) =>
    world.inTransaction((trx) =>
      world.store.resendIn(trx, ENDPOINT, [...world.keys, ...world.lane], world.now),
    ),
  'none is resent': (world) =>
    world.inTransaction((trx) => world.store.resendIn(trx, ENDPOINT, [999], world.now)),
  'one is cancelled': (world) => world.store.cancel(first(world)),
  'many are cancelled': (world) =>
    world.inTransaction((trx) =>
      world.store.cancelIn(trx, ENDPOINT, [...world.keys, ...world.lane], world.now),
    ),
  'deliveries are added': async (world) => {
    const messageKey = await messageOfAnother(world)
    await world.inTransaction((trx) =>
      world.store.addDeliveries(
        trx,
        ENDPOINT,
        [{ messageKey, createdOn: world.start, orderingKey: null }],
        world.now,
      ),
    )
  },
  'deliveries are added in an ordering key': async (world) => {
    const messageKey = await messageOfAnother(world)
    await world.inTransaction((trx) =>
      world.store.addDeliveries(
        trx,
        ENDPOINT,
        [{ messageKey, createdOn: world.start, orderingKey: 'a' }],
        world.now,
      ),
    )
  },
  'a success is recorded': (world) =>
    record(
      world,
      [successOf(ENDPOINT, world.keys[0] as number, world.epoch, world.start)],
      [stateOf(world, 0)],
    ),
  'a failure is recorded': (world) => record(world, [failureOf(world, world.keys[2] as number)]),
  'a failure that pauses is recorded': (world) =>
    record(world, [failureOf(world, world.keys[2] as number)], [stateOf(world, world.now + 5 * MINUTE)]),
  'a failure of what a person has asked for is recorded': (world) =>
    record(world, [
      failureOf(world, world.keys[1] as number, { manual: true, wasDueOn: world.now }),
      failureOf(world, world.lane[0] as number, { orderingKey: 'a' }),
    ]),
  'a fault of our own is recorded': (world) =>
    record(world, [failureOf(world, world.keys[1] as number, { counted: false, dueOn: null })]),
  'a result of another lease is recorded': (world) =>
    record(
      world,
      [failureOf(world, world.keys[2] as number, { epoch: 99 })],
      [{ ...stateOf(world, 1), epoch: 99 }],
    ),
  'it is gone': (world) =>
    record(world, [
      failureOf(world, world.keys[2] as number, {
        state: 'exhausted',
        notice: { kind: 'disabled', reason: 'gone', failingSince: null },
      }),
    ]),
  'it is settled': (world) => world.store.settleQueue([ENDPOINT]),
  'it is enabled': (world) => world.store.setEnabled(ENDPOINT, true, null, world.now),
  'it is disabled': (world) => world.store.setEnabled(ENDPOINT, false, 'manual', world.now),
  'it is deleted': (world) => world.store.deleteEndpoint(ENDPOINT, world.now),
  'its owner is proved': (world) =>
    world.store.proveOwnership(ENDPOINT, 'https://one.example.com/', world.now),
  'it is taken': (world) => world.store.leaseDueEndpoints(MINUTE, 10, []),
  'it is handed back': (world) => world.store.releaseLeases([{ endpointKey: ENDPOINT, epoch: world.epoch }]),
  'leases are renewed': (world) => world.store.renewLeases(MINUTE, []),
  'it is reconciled': async (world) => {
    await world.store.reconcileEndpoints(0, 10)
    await world.store.reconcileOrderingKeys({ endpointKey: 0, orderingKey: '' }, 10)
  },
  'old messages are purged': (world) => world.store.purge(world.now, 0, 100),
  'its tenant is closed': (world) => world.store.closeTenant(1, world.now),
}

/** Of a message for another endpoint, which this one is to have too. */
async function messageOfAnother(world: World): Promise<number> {
  const message = { ...messageTo('evt_other', null, world.start), targets: [] }
  const { keys } = await world.inTransaction((trx) => world.store.storeMessages(trx, [message], world.now))
  return keys[0] as number
}

interface QueueRow {
  readonly [column: string]: unknown
}

async function openWorld(clock: Clock & { advance(ms: number): Promise<void> }) {
  const host = await openHost()
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://one.example.com' })
  const db = host.db as unknown as Kysely<unknown>
  const sql = sqlDialectOf(testDialect())
  const store = openStore({ db, sql, names, nodeId: 'first', clock: asSharedClock(clock) })
  const inTransaction: World['inTransaction'] = (work) =>
    host.db.transaction().execute((trx) => work(trx as unknown as Transaction<unknown>))

  /** Everything as if nothing had been. */
  async function begin(): Promise<World> {
    for (const table of ['queue', 'delivery', 'message', 'attempt', 'counter']) {
      await host.run(`delete from xe_webhook_${table}`)
    }
    await host.run(`update xe_webhook_endpoint set enabled = ${testDialect() === 'postgres' ? 'true' : '1'},
      disabled_reason = null, disabled_on = null, deleted_on = null, ownership = null`)
    const keys: number[] = []
    const lane: number[] = []
    for (const [id, orderedBy] of [
      ['a', null],
      ['b', null],
      ['c', null],
      ['d', 'a'],
      ['e', 'a'],
    ] as const) {
      const stored = await inTransaction((trx) =>
        store.storeMessages(trx, [messageTo(`evt_${id}`, orderedBy, clock.now())], clock.now()),
      )
      ;(orderedBy === null ? keys : lane).push(stored.keys[0] as number)
    }
    const [lease] = await store.leaseDueEndpoints(MINUTE, 10, [])
    const now = clock.now()
    return { host, store, inTransaction, keys, lane, epoch: lease?.epoch as number, start: now, now }
  }

  /** The row, with times as what has passed since the start. Leases end by clocks of their own. */
  async function queueRow(start: number): Promise<QueueRow | 'none'> {
    const [row] = await host.run<QueueRow>('select * from xe_webhook_queue')
    if (!row) return 'none'
    const { due_on, not_before, failing_since, leased_by, epoch, resets, details, rate, handed_back } = row
    const number = (value: unknown) => (value === null ? null : Number(value))
    const time = (value: unknown) => sinceStart(value, start)
    return {
      due_on: time(due_on),
      not_before: time(not_before),
      failing_since: time(failing_since),
      epoch: Number(epoch) > START ? time(epoch) : number(epoch),
      resets: number(resets),
      handed_back: Number(handed_back) > START ? time(handed_back) : number(handed_back),
      details,
      rate,
      leased_by,
    }
  }

  /** What is pending, by the order in which it was stored. */
  async function deliveries(start: number): Promise<unknown[]> {
    const rows = await host.run<{ state: string; due_on: unknown; manual: unknown; step: number }>(
      'select state, due_on, manual, step from xe_webhook_delivery order by message_key',
    )
    return rows.map(({ state, due_on, manual, step }) => ({
      state,
      dueOn: sinceStart(due_on, start),
      manual: Boolean(manual),
      step,
    }))
  }

  return { host, begin, queueRow, deliveries, clock }
}

function sinceStart(time: unknown, start: number): unknown {
  return Number(time) > 0 ? Number(time) - start : time === null ? null : Number(time)
}

/** What each operation leaves of the queue's row, whatever the endpoint was like. */
async function matrixOn(dialect: TestDialect): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const [condition, bringAbout] of Object.entries(conditions)) {
    const clock = manualClock(START)
    const world = await openWorld(clock)
    await using _host = world.host
    for (const [operation, operate] of Object.entries(operations)) {
      const begun = await world.begin()
      const what = `${operation}, when it ${condition}`
      try {
        await clock.advance(STEP)
        await bringAbout({ ...begun, now: clock.now() })
        await clock.advance(STEP)
        await operate({ ...begun, now: clock.now() })
      } catch (error) {
        throw new Error(`${dialect}: ${what}`, { cause: error })
      }
      found[what] = {
        queue: await world.queueRow(begun.start),
        deliveries: await world.deliveries(begun.start),
      }
    }
  }
  return found
}

it('whatever was done to an endpoint, in whatever state it was', async () => {
  const onSqlite = await matrixOn('sqlite')
  const onOther = await onPostgres(() => matrixOn('postgres'))
  expect(Object.keys(onSqlite).length).toBe(Object.keys(conditions).length * Object.keys(operations).length)
  const differing = Object.keys(onSqlite).filter(
    (what) => JSON.stringify(onOther[what]) !== JSON.stringify(onSqlite[what]),
  )
  expect(differing.map((what) => ({ what, sqlite: onSqlite[what], postgres: onOther[what] }))).toEqual([])
}, 240_000)
