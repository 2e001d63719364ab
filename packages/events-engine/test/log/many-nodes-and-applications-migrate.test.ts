import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { site } from '../open-engine.ts'

it('lets any number of nodes migrate and start at once', async () => {
  await using database = await postgresDatabase<object>()
  const engines = Array.from({ length: 6 }, () => createEventEngine({ db: database.connect({ max: 3 }).db }))
  const seen: unknown[] = []
  await Promise.all(
    engines.map(async (engine) => {
      await engine.migrate()
      await engine.subscribe(
        { entityChanged: (event) => void seen.push(event.entityId) },
        { name: 'all', mode: 'durable' },
      )
      await engine.start()
    }),
  )
  await engines[0]?.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
  await waitFor(() => seen.length > 0, 'the event')
  await Promise.all(engines.map((engine) => engine.stop()))
  expect(seen).toEqual([1])
})

it('keeps applications apart that share a database, each in a schema of its own or under a prefix', async () => {
  await using database = await postgresDatabase<object>()
  const { db } = database
  const engines = [
    createEventEngine({ db, schema: 'shop' }),
    createEventEngine({ db }),
    createEventEngine({ db, schema: 'blog' }),
    createEventEngine({ db, tablePrefix: 'other_' }),
  ]
  const seen = engines.map(() => [] as unknown[])
  for (const [index, engine] of engines.entries()) {
    await engine.migrate()
    await engine.subscribe(
      { entityChanged: (event) => void seen[index]?.push(event.entityId) },
      { name: 'all', mode: 'durable' },
    )
    await engine.start()
  }
  for (const [index, engine] of engines.entries()) {
    await engine.syncManager.addSyncEvent(site, EntityNames.File, index, 'Download')
  }
  await waitFor(() => seen.every((list) => list.length > 0), 'all events')
  await Promise.all(engines.map((engine) => engine.stop()))
  expect(seen).toEqual([[0], [1], [2], [3]])
})
