import { randomBytes } from 'node:crypto'
import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { sqlDialectOf } from '../../src/internal.ts'
import { rowOf } from '../../src/store/event-row.ts'
import { createEventReader, positioned } from '../../src/store/found-events.ts'
import { tableNames } from '../../src/store/table-names.ts'
import { type OpenEngine, onEachDatabase, openEngine, site } from '../open-engine.ts'

const LARGE = 200_000
const MEGABYTES = 1024 * 1024

/** Some that a database compresses, some that it cannot, and small ones between. */
function dataOf(id: number): { readonly text: string } | undefined {
  if (id % 7 === 0) return undefined
  if (id % 5 === 0) return { text: `small ${id}` }
  return { text: id % 2 ? 'x'.repeat(LARGE) : randomBytes(LARGE / 2).toString('hex') }
}

/** Raises events, the first with the id 1. @returns what they carry. */
async function raise({ engine }: OpenEngine, count: number): Promise<unknown[]> {
  const carried: unknown[] = []
  for (let id = 1; id <= count; id++) {
    const data = dataOf(id)
    carried.push(data)
    await engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Create', data ? { data } : {})
  }
  return carried
}

const sizeOf = (events: readonly SyncEvent[]) => JSON.stringify(events).length

onEachDatabase((open, dialect) => {
  it('hands them on in order and whole, some megabytes at a time', async () => {
    await using host = await open()
    const batches: SyncEvent[][] = []
    await host.engine.subscribe(
      { entitiesChanged: (events) => void batches.push([...events]) },
      { name: 'documents', mode: 'durable', from: 'start', batchSize: 500 },
    )
    const carried = await raise(host, 120)
    await host.engine.start()
    await waitFor(() => batches.flat().length === 120, 'all events')
    expect(batches.flat().map(({ data }) => data)).toEqual(carried)
    expect(Math.max(...batches.map(sizeOf))).toBeLessThan(5 * MEGABYTES)
  })

  it('passes over one that is deleted between the two reads, and over no other', async () => {
    await using host = await open()
    await raise(host, 3)
    const readWhole = createEventReader({
      db: host.db as never,
      sql: sqlDialectOf(dialect),
      names: tableNames('xe_', undefined),
    })
    const about = {
      ...site,
      id: 'evt_1',
      entityName: 'File',
      entityId: 1,
      action: 'Create',
      modifiedOn: new Date(),
    }
    const rows = [1, 99, 2, 3].map((seq) => ({ ...rowOf(about as SyncEvent, null), seq, has_data: true }))
    const found = positioned(await readWhole(rows), (index) => `behind ${rows[index]?.seq}`)
    expect(
      found.map(({ event: { data }, position }) => [position, JSON.stringify(data).length > LARGE]),
    ).toEqual([
      ['behind 1', true],
      ['behind 2', true],
      ['behind 3', true],
    ])
  })

  it('begins no more than some megabytes of them before one that is slow', async () => {
    await using host = await open()
    const slow = Promise.withResolvers<void>()
    const size = { begun: 0, handled: 0, most: 0 }
    let handled = 0
    await host.engine.subscribe(
      {
        async entityChanged(event) {
          await slow.promise
          size.handled += sizeOf([event])
          handled += 1
        },
      },
      {
        name: 'documents',
        mode: 'durable',
        from: 'start',
        filter(event) {
          size.begun += sizeOf([event])
          size.most = Math.max(size.most, size.begun - size.handled)
          return true
        },
      },
    )
    await raise(host, 240)
    await host.engine.start()
    await waitFor(() => size.begun > 12 * MEGABYTES, 'events that are begun')
    slow.resolve()
    await waitFor(() => handled === 240, 'all events')
    expect(size.most).toBeLessThan(22 * MEGABYTES)
  })
})

it('reads small events on while a host raises without a pause, even for longer than a lease', async () => {
  const leaseMs = 800
  await using host = await openEngine({ leaseMs })
  let handled = 0
  await host.engine.subscribe(
    { entityChanged: () => void handled++ },
    { name: 'files', mode: 'durable', from: 'start' },
  )
  await host.engine.start()
  let turns = 0
  const next = setInterval(() => {
    turns += 1
  })
  // On SQLite, nothing of this waits for the event loop.
  let raised = 0
  const endAt = performance.now() + 2 * leaseMs
  while (performance.now() < endAt) {
    raised += 1
    await host.engine.transaction(({ raise: add }) => add(site, EntityNames.File, raised, 'Create'))
  }
  clearInterval(next)
  expect(turns).toBe(0)
  expect(handled / raised).toBeGreaterThan(0.75)
})
