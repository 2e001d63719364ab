import type { SyncEvent } from '@x/events-core'
import fc from 'fast-check'
import type { Kysely } from 'kysely'
import { expect, it } from 'vitest'
import { type HostTables, type OpenEngine, onEachDatabase } from '../open-engine.ts'
import { loggedEvents, run } from './captured-events.ts'

const pages = {
  table: 'page',
  entityName: 'Page',
  entityId: 'pageId',
  tenantId: 1,
  data: ['name'],
} as const

/** What the events say that a table holds. Events that do not fit each other are an error. */
function replay(events: readonly SyncEvent[]): Map<unknown, string> {
  const rows = new Map<unknown, string>()
  for (const { action, entityId, data } of events) {
    if (rows.has(entityId) === (action === 'Create')) throw new Error(`${action} of ${entityId} does not fit`)
    const { name } = data as { name: string }
    if (action === 'Delete') {
      if (rows.get(entityId) !== name) throw new Error(`the deleted ${entityId} was ${name}`)
      rows.delete(entityId)
    } else {
      rows.set(entityId, name)
    }
  }
  return rows
}

async function tableOf({ db }: OpenEngine): Promise<Map<unknown, string>> {
  const rows = await db.selectFrom('page').selectAll().execute()
  return new Map(rows.map(({ pageId, name }) => [pageId, name]))
}

function sorted(rows: Map<unknown, string>): [unknown, string][] {
  return [...rows].sort(([one], [other]) => Number(one) - Number(other))
}

onEachDatabase((open, dialect) => {
  const id = fc.integer({ min: 0, max: 7 })
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const statement = fc.oneof(
    fc.tuple(id, name).map(([i, n]) => `insert into page values (${i}, '${n}')`),
    fc.tuple(id, name).map(([i, n]) => `update page set name = '${n}' where "pageId" = ${i}`),
    fc.tuple(id, id).map(([i, j]) => `update page set "pageId" = ${j} where "pageId" = ${i}`),
    fc.tuple(id, name).map(([i, n]) => `update page set name = '${n}' where "pageId" < ${i}`),
    fc.constant('update page set "pageId" = "pageId" + 20 where "pageId" < 4'),
    id.map((i) => `delete from page where "pageId" = ${i}`),
    id.map((i) => `delete from page where "pageId" > ${i}`),
    fc.tuple(id, name).map(([i, n]) => `insert into page values (${i}, '${n}'), (${i + 1}, '${n}x')`),
    fc
      .tuple(id, name)
      .map(
        ([i, n]) =>
          `insert into page values (${i}, '${n}') on conflict ("pageId") do update set name = 'u${n}'`,
      ),
    fc.tuple(id, name).map(([i, n]) => `insert into page values (${i}, '${n}') on conflict do nothing`),
    ...(dialect === 'sqlite'
      ? [
          fc
            .tuple(id, name)
            .map(([i, n]) => `insert or replace into page values (${i}, '${n}'), (${i + 1}, '${n}y')`),
          fc
            .tuple(id, name)
            .map(([i, n]) => `insert or ignore into page values (${i}, '${n}'), (${i + 1}, '${n}')`),
          fc
            .tuple(id, name)
            .map(([i, n]) => `update or replace page set name = '${n}' where "pageId" < ${i}`),
          fc.tuple(id, name).map(([i, n]) => `update or ignore page set name = '${n}' where "pageId" < ${i}`),
          fc
            .tuple(id, id)
            .map(([i, j]) => `update or replace page set "pageId" = ${j} where "pageId" = ${i}`),
          name.map((n) => `insert or replace into page (name) values ('${n}')`),
        ]
      : []),
  )
  const transaction = fc.record({
    statements: fc.array(statement, { minLength: 1, maxLength: 6 }),
    outcome: fc.constantFrom('commit', 'commit', 'rollback', 'plain'),
  })

  it('replay to exactly what the table holds, whatever has changed it', async () => {
    await using host = await open()
    await fc.assert(
      fc.asyncProperty(
        fc.array(transaction, { maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        async (transactions, unique, recursive) => {
          await run(host, 'delete from page')
          await run(host, 'delete from xe_sync_event')
          await run(host, 'drop index if exists page_name')
          if (unique) await run(host, 'create unique index page_name on page (name)')
          if (dialect === 'sqlite') await run(host, `pragma recursive_triggers = ${recursive}`)
          // Which keys are unique is part of what the triggers know.
          await host.engine.captureTable(pages)
          for (const { statements, outcome } of transactions) {
            if (outcome === 'plain') {
              for (const text of statements) await run(host, text).catch(() => {})
            } else {
              await inTransaction(host.db, statements, outcome)
            }
          }
          expect(sorted(replay(await loggedEvents(host)))).toEqual(sorted(await tableOf(host)))
        },
      ),
      { numRuns: dialect === 'sqlite' ? 300 : 60 },
    )
  })

  it('replay to what the table holds after writers that got in each other’s way', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    const writer = async (index: number) => {
      for (let round = 0; round < 25; round++) {
        const key = (index + round) % 3
        const statements = [
          `insert into page values (${key}, '${index}-${round}')
            on conflict ("pageId") do update set name = excluded.name`,
          ...(round % 4 === 0 ? [`delete from page where "pageId" = ${key}`] : []),
        ]
        await inTransaction(host.db, statements, round % 5 === 0 ? 'rollback' : 'commit')
      }
    }
    await Promise.all(Array.from({ length: 6 }, (_, index) => writer(index)))
    expect(sorted(replay(await loggedEvents(host)))).toEqual(sorted(await tableOf(host)))
  })
})

/** Each statement under a savepoint of its own, so that one that fails takes no other with it. */
async function inTransaction(
  db: Kysely<HostTables>,
  statements: readonly string[],
  outcome: string,
): Promise<void> {
  const work = db.connection().execute(async (connection) => {
    await run({ db: connection }, 'begin')
    for (const text of statements) {
      await run({ db: connection }, 'savepoint one')
      await run({ db: connection }, text).catch(() => run({ db: connection }, 'rollback to savepoint one'))
      await run({ db: connection }, 'release savepoint one')
    }
    await run({ db: connection }, outcome)
  })
  await work
}
