import { expect, it } from 'vitest'
import { postgresDatabase } from '../src/postgres.ts'
import { startPostgresServer } from '../src/postgres-server.ts'

it('keeps what was committed', async () => {
  await using server = await startPostgresServer()
  await using database = await postgresDatabase<{ kept: { id: number } }>(server.url)
  await database.pool.query('create table kept (id int); insert into kept values (1)')
  await server.kill()
  await expect(database.pool.query('select 1')).rejects.toThrow()
  await server.restart()
  expect(await database.db.selectFrom('kept').selectAll().execute()).toEqual([{ id: 1 }])
})
