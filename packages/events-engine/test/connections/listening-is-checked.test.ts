import { silencingProxy, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { internalsOf } from '../../src/internal.ts'
import { recordingLogger, site } from '../open-engine.ts'

/** So rare that no poll can be what finds anything. */
const neverPolls = { pollMinMs: 600_000, pollMaxMs: 600_000 }

it('listens anew when the connection that listens falls silent, and looks at everything then', async () => {
  await using database = await postgresDatabase<object>()
  await using proxy = await silencingProxy(database.url)
  const { pool, db } = database.connect({ url: proxy.url })
  const logger = recordingLogger()
  await using here = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
  await using there = createEventEngine({ db, postgres: { pool }, logger, ...neverPolls })
  await here.migrate()
  const seen: unknown[] = []
  await there.subscribe(
    { entityChanged: ({ entityId }) => void seen.push(entityId) },
    { name: 'there', mode: 'broadcast' },
  )
  const looks: string[] = []
  internalsOf(there).onMessage('one', () => looks.push('one'))
  internalsOf(there).onMessage('two', () => looks.push('two'))
  await here.start()
  await there.start()
  await waitFor(() => looks.length === 4, 'it to listen, and to look')
  await here.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await waitFor(() => seen.length === 1, 'the first event')

  looks.length = 0
  expect(proxy.silence(({ isListening }) => isListening)).toBe(1)
  await here.syncManager.addSyncEvent(site, 'File', 2, 'Update')
  internalsOf(here).publish('one')
  await waitFor(() => seen.length === 2 && looks.length === 2, 'what was missed')
  expect(seen).toEqual([1, 2])
  expect(looks.toSorted()).toEqual(['one', 'two'])
  expect(logger.messages.join('\n')).toMatch(/listens for other nodes stopped answering/)

  await here.syncManager.addSyncEvent(site, 'File', 3, 'Update')
  await waitFor(() => seen.length === 3, 'what it hears of by the new connection')
})

it('does not miss what others tell between its first look and its LISTEN', async () => {
  await using database = await postgresDatabase<object>()
  await using proxy = await silencingProxy(database.url)
  const { pool, db } = database.connect({ url: proxy.url })
  await using here = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
  await using there = createEventEngine({ db, postgres: { pool }, ...neverPolls })
  await here.migrate()
  await here.start()
  const looks: string[] = []
  internalsOf(there).onMessage('endpoints', () => looks.push('endpoints'))
  const witness = await database.pool.connect()
  await witness.query('listen xe_wake')
  const isTold = new Promise((resolve) => {
    witness.on('notification', ({ payload }) => payload?.endsWith(' endpoints') && resolve(payload))
  })
  let isHeldBack = false
  proxy.onSent((connection, text) => {
    if (isHeldBack || !text.includes('listen ')) return
    isHeldBack = true
    connection.silence('to the server')
  })
  await there.start()
  await waitFor(() => isHeldBack, 'the LISTEN')
  looks.length = 0
  internalsOf(here).publish('endpoints')
  await isTold
  witness.release(true)
  proxy.restore()
  await waitFor(() => looks.length > 0, 'it to look by itself')
})
