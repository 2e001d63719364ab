import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type HostTables, recordingLogger } from '../open-engine.ts'

it('says nothing of connections that are lost while the host closes its pool', async () => {
  await using database = await postgresDatabase<HostTables>()
  const { db, pool } = database.connect()
  const logger = recordingLogger()
  const engine = createEventEngine({ db, postgres: { pool }, logger })
  await engine.migrate()
  const client = await pool.connect()
  const lost = new Error('terminating connection due to administrator command')
  client.emit('error', lost)
  expect(logger.messages).toEqual(['A connection to the database was lost'])
  const ended = db.destroy()
  await waitFor(() => pool.ending, 'the pool to be closed')
  client.emit('error', lost)
  client.release(true)
  await ended
  expect(logger.messages).toHaveLength(1)
})
