import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { site } from '../open-engine.ts'
import {
  createManyHostsTables,
  type ManyHostsOptions,
  type ManyHostsTables,
} from '../processes/many-hosts-tables.ts'
import { startProcess } from '../processes/start-process.ts'

const EVENTS = 200
const LANES = 4

it('lets nothing count that a host does after its lease has ended while it was frozen', async ({
  annotate,
}) => {
  await using database = await postgresDatabase<ManyHostsTables>()
  const { db } = database
  await createManyHostsTables(db)
  await using cleanUp = new AsyncDisposableStack()
  const raiser = createEventEngine<ManyHostsTables>({ db })
  await raiser.migrate()
  const start = (node: string, pauseMs: number) => {
    const options: ManyHostsOptions = {
      url: database.url,
      node,
      raisers: 0,
      leaseMs: 2_000,
      pauseMs,
      timeoutMs: 1_500,
    }
    return cleanUp.use(startProcess('many-hosts-host.ts', JSON.stringify(options)))
  }
  const raise = async (from: number, count: number) => {
    const ids = Array.from({ length: count }, (_, index) => from + index)
    await Promise.all(
      ids.map((id) =>
        raiser.syncManager.addSyncEvent(site, EntityNames.File, id % 9, 'Update', { data: id as never }),
      ),
    )
  }
  const handled = async (subscription: string, condition = sql<boolean>`true`) => {
    const { rows } = await sql<{ node: string; event_id: string; version: number }>`
      select node, event_id, version from handled where subscription = ${subscription} and ${condition}
      order by seq`.execute(db)
    return rows
  }
  const allHandled = (count: number) =>
    waitFor(async () => {
      const sets = await Promise.all(['each', 'lanes', 'batch'].map((name) => handled(name)))
      return sets.every((rows) => new Set(rows.map((row) => row.event_id)).size === count)
    }, `${count} events to be handled by every subscription`)
  const allSaved = () =>
    waitFor(async () => {
      const { subscriptions } = await raiser.stats()
      return subscriptions.every(({ lagEvents }) => lagEvents === 0)
    }, 'every position to be saved')

  const frozen = start('frozen', 20)
  await waitFor(() => frozen.lines.includes('started'), 'the first host')
  await raise(0, EVENTS)
  // Frozen in the middle of everything: some events are handled, and the transaction of a batch is open.
  await waitFor(async () => {
    const seen = frozen.lines.length
    await waitFor(() => frozen.lines.slice(seen).some((line) => line.startsWith('batch')), 'a batch', 2_000)
    frozen.signal('SIGSTOP')
    const { rows } = await sql<{ pid: number }>`
      select pid from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'`.execute(db)
    if (rows.length > 0 && (await handled('each')).length > 5) return true
    frozen.signal('SIGCONT')
    return false
  }, 'a batch to be frozen in its transaction')
  const before = await handled('batch')
  expect(before.length).toBeLessThan(EVENTS)

  const other = start('other', 0)
  await allHandled(EVENTS)
  await allSaved()
  const { rows: marks } = await sql<{ seq: string }>`select max(seq) as seq from handled`.execute(db)
  const positions = () =>
    db
      .selectFrom('xe_subscription' as never)
      .select(['name', 'position'] as never)
      .orderBy('name' as never)
      .execute()
  const reached = await positions()
  frozen.signal('SIGCONT')
  const interruptions = [
    'log: The lease of a subscription was lost',
    'log: The subscription was interrupted; trying again',
  ]
  await waitFor(
    () => frozen.lines.filter((line) => interruptions.includes(line)).length >= 3,
    'the frozen host to notice that its leases are gone',
  )
  expect(await positions(), 'a late save must not count').toEqual(reached)
  // It is well again when it takes over in its turn.
  await raise(EVENTS, 1)
  await allHandled(EVENTS + 1)
  await allSaved()
  await other.kill()
  await raise(EVENTS + 1, 20)
  await allHandled(EVENTS + 21)
  expect(frozen.ended).toBeUndefined()
  expect(frozen.errors).toBe('')

  const late = sql<boolean>`node = 'frozen' and seq > ${marks[0]?.seq ?? 0} and version < ${EVENTS}`
  const lateEach = await handled('each', late)
  const lateLanes = await handled('lanes', late)
  await annotate(
    `calls that were under way when the host froze: each ${lateEach.length}, lanes ${lateLanes.length}`,
  )
  expect(lateEach.length, 'only the call under way is repeated').toBeLessThanOrEqual(1)
  expect(lateLanes.length, 'only the calls under way are repeated').toBeLessThanOrEqual(LANES)
  expect((await handled('batch', late)).length, 'late rows of the batch').toBe(0)
  expect((await handled('batch')).length, 'rows of the batch').toBe(EVENTS + 21)
})
