import { expect, it } from 'vitest'
import { isRefusal } from '../../src/internal.ts'

// What each driver throws by itself, its contract shows.
it('finds the code of the database however a library has wrapped its error', () => {
  const refusal = Object.assign(new Error('unique'), { code: '23505' })
  expect(isRefusal(new Error('wrapped', { cause: refusal }))).toBe(true)
  const meta = { driverAdapterError: { cause: { originalCode: '23505' } } }
  expect(isRefusal(Object.assign(new Error('of Prisma'), { code: 'P2010', meta }))).toBe(true)
  expect(isRefusal(Object.assign(new Error('of Node'), { code: 'ERR_SQLITE_ERROR', errcode: 2067 }))).toBe(
    true,
  )
})

it('takes nothing else for a refusal: it may pass', () => {
  const busy = Object.assign(new Error('locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 })
  const gone = Object.assign(new Error('gone'), { code: 'EPIPE' })
  for (const error of [busy, gone, new Error('wrapped', { cause: gone }), 'nothing', null]) {
    expect(isRefusal(error)).toBe(false)
  }
})
