import { databaseErrorCodes } from '@x/events-engine/support'
import { drivers } from '@x/testkit/drivers'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { isRefusal } from '../../src/worker/is-refusal.ts'

it.each(drivers)('$name: a refused row is told apart from a table that is missing', async (driver) => {
  await using database = await driver.open<unknown>()
  const { db } = database
  await sql`create table item (id integer primary key, name text not null check (name <> 'bad'))`.execute(db)
  await sql`insert into item values (1, 'good')`.execute(db)
  const errorOf = (query: { execute(on: typeof db): Promise<unknown> }) =>
    query.execute(db).then(
      () => undefined,
      (error: unknown) => error,
    )
  expect(isRefusal(await errorOf(sql`insert into item values (1, 'again')`))).toBe(true)
  expect(isRefusal(await errorOf(sql`insert into item values (2, 'bad')`))).toBe(true)
  expect(isRefusal(await errorOf(sql`insert into item (id) values (3)`))).toBe(true)
  const missing = await errorOf(sql`insert into nowhere values (1)`)
  expect(missing).toBeInstanceOf(Error)
  expect(isRefusal(missing)).toBe(false)
  if (driver.dialect === 'postgres') expect(databaseErrorCodes(missing)).toContain('42P01')
})

it('finds the code however a library has wrapped the error of the database', () => {
  const refusal = Object.assign(new Error('unique'), { code: '23505' })
  expect(isRefusal(new Error('wrapped', { cause: refusal }))).toBe(true)
  expect(
    isRefusal(
      Object.assign(new Error('wrapped'), {
        code: 'P2010',
        meta: { driverAdapterError: { cause: { originalCode: '23505' } } },
      }),
    ),
  ).toBe(true)
  expect(isRefusal(Object.assign(new Error('gone'), { code: 'EPIPE' }))).toBe(false)
  expect(isRefusal('nothing')).toBe(false)
})
