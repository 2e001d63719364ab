import { expect, it } from 'vitest'
import { HostCache } from '../src/cache/host-cache.ts'

it('keeps what was loaded, until it is removed', async () => {
  const cache = new HostCache()
  let loads = 0
  const load = async () => ({ version: ++loads })
  expect(await cache.getOrLoad('a', load)).toEqual({ version: 1 })
  expect(await cache.getOrLoad('a', load)).toEqual({ version: 1 })
  cache.remove('a')
  expect(await cache.getOrLoad('a', load)).toEqual({ version: 2 })
})

it('does not keep what was read before a change that was told of meanwhile', async () => {
  const cache = new HostCache()
  const slow = Promise.withResolvers<{ version: string }>()
  const early = cache.getOrLoad('a', () => slow.promise)
  cache.remove('a')
  slow.resolve({ version: 'old' })
  expect(await early).toEqual({ version: 'old' })
  expect(await cache.getOrLoad('a', async () => ({ version: 'new' }))).toEqual({ version: 'new' })
})

it('does not keep that there is nothing', async () => {
  const cache = new HostCache()
  expect(await cache.getOrLoad('a', async () => undefined)).toBeUndefined()
  expect(await cache.getOrLoad('a', async () => ({ version: 1 }))).toEqual({ version: 1 })
})
