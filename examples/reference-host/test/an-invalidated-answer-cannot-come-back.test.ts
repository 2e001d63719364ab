import { expect, it } from 'vitest'
import { createReadCache } from '../src/cache/host-cache.ts'

interface Named {
  readonly name: string
}

const read = (name: string) => async () => ({ name })

it('reads once for everybody who asks, also while it is being read', async () => {
  const cache = createReadCache<Named>(10)
  const answer = Promise.withResolvers<Named>()
  let reads = 0
  const load = () => {
    reads += 1
    return answer.promise
  }

  const asked = [cache.read('1', load), cache.read('1', load)]
  answer.resolve({ name: 'Home' })

  expect(await Promise.all(asked)).toEqual([{ name: 'Home' }, { name: 'Home' }])
  expect(await cache.read('1', load)).toEqual({ name: 'Home' })
  expect(reads).toBe(1)
})

it('does not keep an answer that was read before a change and arrives after its invalidation', async () => {
  const cache = createReadCache<Named>(10)
  const slow = Promise.withResolvers<Named>()

  const askedBefore = cache.read('1', () => slow.promise)
  cache.remove('1')
  expect(await cache.read('1', read('new'))).toEqual({ name: 'new' })
  slow.resolve({ name: 'old' })

  expect(await askedBefore).toEqual({ name: 'old' })
  expect(await cache.read('1', read('never asked'))).toEqual({ name: 'new' })
})

it('does not keep it either when nobody has asked in between', async () => {
  const cache = createReadCache<Named>(10)
  const slow = Promise.withResolvers<Named>()

  const askedBefore = cache.read('1', () => slow.promise)
  cache.clear()
  slow.resolve({ name: 'old' })
  await askedBefore

  expect(await cache.read('1', read('new'))).toEqual({ name: 'new' })
})

it('keeps neither a failure nor that there was nothing', async () => {
  const cache = createReadCache<Named>(10)

  await expect(cache.read('1', () => Promise.reject(new Error('The disk is gone.')))).rejects.toThrow('disk')
  expect(await cache.read('1', async () => undefined)).toBeUndefined()

  expect(await cache.read('1', read('Home'))).toEqual({ name: 'Home' })
})

it('lets a late failure not remove what was read since', async () => {
  const cache = createReadCache<Named>(10)
  const slow = Promise.withResolvers<Named>()

  const askedBefore = cache.read('1', () => slow.promise)
  cache.remove('1')
  await cache.read('1', read('new'))
  slow.reject(new Error('The disk is gone.'))
  await expect(askedBefore).rejects.toThrow('disk')

  expect(await cache.read('1', read('never asked'))).toEqual({ name: 'new' })
})

it('holds no more than it has room for', async () => {
  const cache = createReadCache<Named>(2)
  const reads: string[] = []
  const ask = (key: string) =>
    cache.read(key, async () => {
      reads.push(key)
      return { name: key }
    })

  for (const key of ['1', '2', '3', '3', '2', '1']) await ask(key)

  expect(reads).toEqual(['1', '2', '3', '1'])
})
