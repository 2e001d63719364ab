import { join } from 'node:path'
import { type ManualClock, manualClock, temporaryFolder } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect, sql } from 'kysely'
import { expect, it } from 'vitest'
import { memoryReplayStore } from '../../src/index.ts'
import { createReplayTable, kyselyReplayStore } from '../../src/kysely.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const times = { leaseSeconds: 300, ttlSeconds: 3_600 }

async function openKysely() {
  const folder = await temporaryFolder()
  const database = new Database(join(folder.path, 'consumer.db'))
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  await createReplayTable(db)
  return {
    db,
    store: (clock: ManualClock) => kyselyReplayStore(db, { clock, ...times }),
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await folder[Symbol.asyncDispose]()
    },
  }
}

it('in a database: who takes over waits for the length of a claim', async () => {
  await using opened = await openKysely()
  const clock = manualClock()
  // Its process dies with the claim in hand.
  expect(await opened.store(clock).begin('a', 'dead')).toBe('new')
  await clock.jump(DAY)
  expect(await opened.store(clock).begin('b', 'dead')).toBe('new')
  await clock.jump(-DAY)
  const store = opened.store(clock)
  expect(await store.begin('b', 'next')).toBe('in_progress')
  await clock.jump(299_000)
  expect(await store.begin('b', 'next')).toBe('in_progress')
  await clock.jump(1_001)
  expect(await store.begin('b', 'next')).toBe('new')
})

it('in a database: what was handled is forgotten when it was meant to be', async () => {
  await using opened = await openKysely()
  const clock = manualClock()
  await clock.jump(DAY)
  const store = opened.store(clock)
  await store.begin('a', '1')
  await store.complete('a', '1')
  await clock.jump(-DAY)
  expect(await store.begin('a', '2')).toBe('done')
  for (const id of ['b', 'c']) {
    await store.begin(id, '1')
    await store.complete(id, '1')
    await clock.jump(HOUR + 1_000)
  }
  await store.begin('d', '1')
  await store.complete('d', '1')
  const { rows } = await sql<{ id: string }>`select id from webhook_replay`.execute(opened.db)
  expect(rows.map(({ id }) => id)).toEqual(['d'])
})

it('in memory: the clock of the machine may be set back without an id being kept for longer', async () => {
  const clock = manualClock()
  await clock.jump(DAY)
  const store = memoryReplayStore({ clock, ...times })
  expect(await store.begin('claimed', '1')).toBe('new')
  expect(await store.begin('handled', '1')).toBe('new')
  await store.complete('handled', '1')
  await clock.jump(-DAY)
  expect(await store.begin('claimed', '2')).toBe('in_progress')
  expect(await store.begin('handled', '2')).toBe('done')
  await clock.jump(301_000)
  expect(await store.begin('claimed', '2')).toBe('new')
  await clock.jump(HOUR)
  expect(await store.begin('handled', '2')).toBe('new')
})
