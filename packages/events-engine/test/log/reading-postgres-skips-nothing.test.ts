import { systemClock } from '@x/events-core'
import { postgresDatabase } from '@x/testkit/postgres'
import fc from 'fast-check'
import type { Kysely } from 'kysely'
import type { PoolClient } from 'pg'
import { describe, expect, it } from 'vitest'
import { logStateStatements } from '../../src/migrations/log-state.ts'
import { createEventIdGenerator } from '../../src/raise/event-id.ts'
import type { SqlExecutor } from '../../src/sql/database.ts'
import { postgres } from '../../src/sql/postgres.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import { openEventStore } from '../../src/store/event-store.ts'
import { PAGE_CHARACTERS } from '../../src/store/found-events.ts'
import type { Position } from '../../src/store/position.ts'
import { createEventLog } from '../../src/store/schema.ts'
import { tableNames } from '../../src/store/table-names.ts'

const names = tableNames('xe_', undefined)
const nextId = createEventIdGenerator(Date.now)

const executorOf = (client: PoolClient): SqlExecutor => ({
  executeQuery: async ({ sql, parameters }) => ({ rows: (await client.query(sql, [...parameters])).rows }),
})

async function openLog() {
  const database = await postgresDatabase<unknown>()
  const db: Kysely<unknown> = database.db
  await createEventLog(db, postgres, names)
  await logStateStatements(postgres, names).saveSchemaVersion(db, 1)
  await database.pool.query('create table entity (id int primary key, version int not null)')
  await database.pool.query('insert into entity select id, 0 from generate_series(0, 9) id')
  const store = openEventStore({ db, sql: postgres, names, nodeId: 'test', clock: systemClock })
  return { database, store, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
}

/** Two of them fill a page. */
const largeData = JSON.stringify({ text: 'x'.repeat(PAGE_CHARACTERS / 2) })

/** Changes an entity, under its row lock, and raises the event in the same transaction. */
async function change(
  store: EventStore,
  client: PoolClient,
  entityId: number,
  data: string | null = null,
): Promise<string> {
  await client.query('update entity set version = version + 1 where id = $1', [entityId])
  const id = nextId()
  await store.append(executorOf(client), {
    id,
    tenant_id: 1,
    site_id: 1,
    entity_name: 'Page',
    entity_id: String(entityId),
    action: 'Update',
    modified_on: Date.now(),
    data,
    trace: null,
  })
  return id
}

interface Delivered {
  readonly id: string
  readonly entityId: number | string
}

/** Reads in pages, saves its position now and then, and forgets the rest when it crashes. */
function createReader(store: EventStore, start: Position) {
  let position = start
  let saved = start
  let savedCount = 0
  const delivered: Delivered[] = []
  return {
    delivered,
    async read(limit: number): Promise<boolean> {
      const page = await store.readAfter(position, limit)
      delivered.push(...page.events.map(({ event }) => ({ id: event.id, entityId: event.entityId })))
      position = page.position
      return page.events.length > 0 || page.more
    },
    save() {
      saved = position
      savedCount = delivered.length
    },
    crash() {
      position = saved
      delivered.length = savedCount
    },
    async readAll(limit: number) {
      while (await this.read(limit)) this.save()
    },
  }
}

const orderByEntity = (events: readonly Delivered[]) => {
  const order: Record<string, string[]> = {}
  for (const { id, entityId } of events) {
    order[entityId] ??= []
    order[entityId].push(id)
  }
  return order
}

describe('readers of a log that many transactions write', () => {
  const connection = fc.integer({ min: 0, max: 3 })
  const action = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('change' as const),
        connection,
        entity: fc.integer({ min: 0, max: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('commit' as const), connection }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback' as const), connection }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('begin' as const), connection }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('savepoint' as const), connection }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback to savepoint' as const), connection }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('read' as const), limit: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
  )

  it.each([
    { title: 'every interleaving', largeEntities: 0, pageFactor: 1, numRuns: 60 },
    // Pages that have room for more events than their size allows.
    { title: 'every interleaving of large ones', largeEntities: 2, pageFactor: 10, numRuns: 12 },
  ])('see every committed change once, in the order of each entity, in $title', async (tried) => {
    const { largeEntities, pageFactor, numRuns } = tried
    await using log = await openLog()
    const { store, database } = log
    const clients = await Promise.all([0, 1, 2, 3].map(() => database.pool.connect()))
    const holder = await database.pool.connect()
    // What fails leaves transactions open, for which another try, and the end of the pool, would wait.
    using _ = {
      [Symbol.dispose]() {
        for (const client of [...clients, holder]) client.release(true)
      },
    }

    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 60 }), async (actions) => {
        // A transaction that writes first and stays open to the end: it must hold back nobody.
        await holder.query('begin')
        const heldId = await change(store, holder, 9)
        const reader = createReader(store, await store.endPosition())
        const committed: Delivered[] = []
        const open = clients.map(() => undefined as undefined | { changes: Delivered[]; savepoint: number })
        const lockedBy = new Map<number, number>()

        const end = async (index: number, how: 'commit' | 'rollback') => {
          const transaction = open[index]
          if (!transaction) return
          await clients[index]?.query(how)
          if (how === 'commit') committed.push(...transaction.changes)
          open[index] = undefined
          for (const [entity, owner] of lockedBy) if (owner === index) lockedBy.delete(entity)
        }

        for (const step of actions) {
          if (step.do === 'read') await reader.read(step.limit * pageFactor)
          else if (step.do === 'save') reader.save()
          else if (step.do === 'crash') reader.crash()
          else if (step.do === 'commit' || step.do === 'rollback') await end(step.connection, step.do)
          else {
            const client = clients[step.connection] as PoolClient
            if (!open[step.connection]) {
              await client.query('begin')
              open[step.connection] = { changes: [], savepoint: -1 }
            }
            const transaction = open[step.connection] as { changes: Delivered[]; savepoint: number }
            if (step.do === 'begin') await client.query('select pg_current_xact_id()')
            else if (step.do === 'savepoint') {
              await client.query('savepoint s')
              transaction.savepoint = transaction.changes.length
            } else if (step.do === 'rollback to savepoint') {
              if (transaction.savepoint < 0) continue
              await client.query('rollback to savepoint s')
              transaction.changes.length = transaction.savepoint
            } else {
              const owner = lockedBy.get(step.entity) ?? step.connection
              if (owner !== step.connection) continue // it would wait for the lock, and so would we
              lockedBy.set(step.entity, owner)
              const data = step.entity < largeEntities ? largeData : null
              const id = await change(store, client, step.entity, data)
              transaction.changes.push({ id, entityId: step.entity })
            }
          }
        }
        for (const index of clients.keys()) await end(index, 'commit')
        await reader.readAll(3 * pageFactor)
        const whileHeld = [...reader.delivered]
        await holder.query('commit')
        await reader.readAll(3 * pageFactor)

        expect(new Set(whileHeld.map(({ id }) => id))).toEqual(new Set(committed.map(({ id }) => id)))
        expect(reader.delivered.length).toBe(committed.length + 1)
        expect(reader.delivered.at(-1)?.id).toBe(heldId)
        expect(orderByEntity(whileHeld)).toEqual(orderByEntity(committed))
      }),
      { numRuns, endOnFailure: true },
    )
  })

  it('see every change once while twelve writers really race', async () => {
    await using log = await openLog()
    const { store, database } = log
    const racing = database.connect({ max: 16 })
    const holder = await racing.pool.connect()
    await holder.query('begin')
    await change(store, holder, 9)
    const readers = await Promise.all(
      [1, 7, 100].map(async (limit) => ({ limit, reader: createReader(store, await store.endPosition()) })),
    )
    let writing = true
    const committed = new Set<string>()

    const write = async (seed: number) => {
      const client = await racing.pool.connect()
      for (let round = 0; round < 60; round++) {
        await client.query('begin')
        // Two entities in ascending order, so that writers wait for each other but never in a circle.
        const first = (seed * 7 + round * 3) % 8
        const ids = [await change(store, client, first), await change(store, client, first + 1)]
        if (round % 5 === 4) {
          await client.query('savepoint s')
          await change(store, client, first + 1)
          await client.query('rollback to savepoint s')
        }
        if (round % 7 === 6) await client.query('rollback')
        else {
          await client.query('commit')
          for (const id of ids) committed.add(id)
        }
      }
      client.release()
    }
    const reading = readers.map(async ({ limit, reader }, number) => {
      for (let turn = 0; writing; turn++) {
        await reader.read(limit)
        if (turn % (3 + number) === 0) reader.save()
        if (turn % 11 === 10) reader.crash()
      }
      await reader.readAll(limit)
    })
    await Promise.all(Array.from({ length: 12 }, (_, seed) => write(seed)))
    writing = false
    await Promise.all(reading)

    const { rows } = await database.pool.query<{ id: string; entity_id: string }>(
      `select id, entity_id from xe_sync_event order by seq`,
    )
    const inOrder = orderByEntity(rows.map((row) => ({ id: row.id, entityId: row.entity_id })))
    for (const { reader } of readers) {
      expect(reader.delivered.length).toBe(committed.size)
      expect(orderByEntity(reader.delivered)).toEqual(inOrder)
    }
    await holder.query('rollback')
    holder.release()
  })
})
