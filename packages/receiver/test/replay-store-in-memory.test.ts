import { manualClock } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { memoryReplayStore } from '../src/index.ts'
import { replayStoreContract } from './replay-store-contract.ts'

describe('a store in memory', () => {
  const clock = manualClock()
  const shared = memoryReplayStore({ clock })
  replayStoreContract(() => ({
    // A process has one; options of its own make another.
    open: (options) => (options ? sharedWith(options) : shared),
    pass: (seconds) => clock.advance(seconds * 1000),
  }))

  function sharedWith(options: object) {
    const store = memoryReplayStore({ clock, ...options })
    // The contract goes on with an unconfigured store after a lapse: let that be the same memory.
    Object.assign(shared, store)
    return store
  }

  it('forgets the oldest beyond its limit, never one that is being handled', () => {
    const store = memoryReplayStore({ maxEntries: 2 })
    store.begin('running', '0')
    for (const id of ['a', 'b', 'c']) {
      expect(store.begin(id, '1')).toBe('new')
      store.complete(id, '1')
    }
    expect(['a', 'b', 'c', 'running'].map((id) => store.begin(id, '2'))).toEqual([
      'new',
      'done',
      'done',
      'in_progress',
    ])
  })

  it('remembers longer than a sender goes on trying', async () => {
    const store = memoryReplayStore({ clock })
    store.begin('a', '1')
    store.complete('a', '1')
    await clock.advance(76 * 3_600_000)
    expect(store.begin('a', '2')).toBe('done')
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %s', (maxEntries) => {
    expect(() => memoryReplayStore({ maxEntries })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  })
})
