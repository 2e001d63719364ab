import { AsyncLocalStorage } from 'node:async_hooks'
import { manualClock } from '@x/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPeriodic, type PeriodicOptions } from '../../src/util/periodic.ts'

/** A loop by a clock that stands still, and the time of each of its runs, from 0. */
function loopOf(options: Partial<PeriodicOptions> = {}) {
  const clock = manualClock(0)
  const runs: number[] = []
  const loop = createPeriodic({
    run: async () => void runs.push(clock.now()),
    failed: (error) => {
      throw error
    },
    everyMs: 100,
    clock,
    ...options,
  })
  return { clock, runs, loop }
}

it('runs at the start, and again after each interval', async () => {
  const { clock, runs, loop } = loopOf()
  loop.start()
  loop.start()
  await clock.advance(250)
  expect(runs).toEqual([0, 100, 200])
  await loop.stop()
  await clock.advance(1_000)
  expect(runs).toHaveLength(3)
  expect(loop.running).toBe(false)
})

it('may wait before the first run, and for another time after each', async () => {
  let everyMs = 50
  const { clock, runs, loop } = loopOf({ firstAfterMs: 10, everyMs: () => (everyMs *= 2) })
  loop.start()
  await clock.advance(400)
  expect(runs).toEqual([10, 110, 310])
  await loop.stop()
})

it('goes on after a run that failed', async () => {
  const errors: unknown[] = []
  const { clock, loop } = loopOf({
    run: async () => {
      throw new Error('no database')
    },
    failed: (error) => errors.push(error),
  })
  loop.start()
  await clock.advance(150)
  expect(errors).toEqual([new Error('no database'), new Error('no database')])
  await loop.stop()
})

it('runs when asked, and not before where it has no interval', async () => {
  const { clock, runs, loop } = loopOf({ firstAfterMs: 5, everyMs: Number.POSITIVE_INFINITY })
  await loop.now()
  loop.within(10)
  expect(runs).toEqual([])
  loop.start()
  await clock.advance(1_000)
  expect(runs).toEqual([5])
  loop.within(30)
  loop.within(20)
  loop.within(40)
  await clock.advance(1_000)
  expect(runs).toEqual([5, 1_020])
  await loop.now()
  expect(runs).toEqual([5, 1_020, 2_000])
  await loop.stop()
})

it('makes one run of many calls during a run, and has stop wait for that run', async () => {
  const ends: (() => void)[] = []
  const { loop } = loopOf({ run: () => new Promise<void>((resolve) => ends.push(resolve)) })
  loop.start()
  const all = Promise.all([loop.now(), loop.now(), loop.now()])
  expect(ends).toHaveLength(1)
  ends[0]?.()
  await new Promise(setImmediate)
  expect(ends).toHaveLength(2)
  let stopped = false
  const stopping = loop.stop().then(() => {
    stopped = true
  })
  await new Promise(setImmediate)
  expect(stopped).toBe(false)
  ends[1]?.()
  await stopping
  await all
  expect(ends).toHaveLength(2)
})

it('aborts the signal of the run under way', async () => {
  const { loop } = loopOf({
    run: (signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
  })
  loop.start()
  void loop.now()
  await loop.stop()
})

it('brings a run forward although the clock was set back', async () => {
  let now = 1_000_000
  const calls: { callback: () => void; delayMs: number }[] = []
  const clock = {
    now: () => now,
    schedule: (callback: () => void, delayMs: number) => {
      const call = { callback, delayMs }
      calls.push(call)
      return () => void calls.splice(calls.indexOf(call), 1)
    },
  }
  const { loop } = loopOf({ clock, firstAfterMs: 100 })
  loop.start()
  now = 0
  loop.within(50)
  expect(calls.map(({ delayMs }) => delayMs)).toEqual([50])
  await loop.stop()
  expect(calls).toEqual([])
})

it('works outside of the asynchronous context of its callers', async () => {
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const { clock, loop } = loopOf({ run: async () => void seen.push(storage.getStore()) })
  storage.run('a request', () => loop.start())
  await clock.advance(10)
  await storage.run('another', () => loop.now())
  expect(seen).toEqual([undefined, undefined])
  await loop.stop()
})

it('never overlaps runs, whatever is asked of it in whichever order', async () => {
  const action = fc.constantFrom('start', 'stop', 'now', 'within', 'advance')
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 15 }), async (actions) => {
      let underWay = 0
      let most = 0
      const { clock, loop } = loopOf({
        run: async () => {
          underWay += 1
          most = Math.max(most, underWay)
          await new Promise(setImmediate)
          underWay -= 1
        },
      })
      const waiting: Promise<unknown>[] = []
      for (const name of actions) {
        if (name === 'start') loop.start()
        else if (name === 'within') loop.within(10)
        else if (name === 'advance') await clock.advance(60)
        else waiting.push(loop[name]())
      }
      await loop.stop()
      await Promise.all(waiting)
      expect(underWay).toBe(0)
      expect(most).toBeLessThanOrEqual(1)
    }),
    { numRuns: 50 },
  )
})
