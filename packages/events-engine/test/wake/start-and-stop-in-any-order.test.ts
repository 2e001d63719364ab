import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLifecycle } from '../../src/util/lifecycle.ts'

it('never runs two transitions at once, and ends as the last caller asked', async () => {
  const calls = fc.array(fc.constantFrom('start' as const, 'stop' as const), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(calls, async (asked) => {
      const log: string[] = []
      const step = (name: string) => async () => {
        log.push(`${name} begins`)
        await Promise.resolve()
        log.push(`${name} ends`)
      }
      const lifecycle = createLifecycle(step('start'), step('stop'))
      await Promise.all(asked.map((call) => lifecycle[call]()))
      expect(lifecycle.running).toBe(asked.at(-1) === 'start')
      // Begins and ends alternate, and so do starts and stops.
      const expected = Array.from(
        { length: log.length },
        (_, index) => [`start begins`, `start ends`, `stop begins`, `stop ends`][index % 4],
      )
      expect(log).toEqual(expected)
    }),
  )
})

it('may be started again after a start that failed', async () => {
  let broken = true
  const lifecycle = createLifecycle(
    async () => {
      if (broken) throw new Error('no database')
    },
    async () => {},
  )
  await expect(lifecycle.start()).rejects.toThrow('no database')
  await lifecycle.stop()
  broken = false
  await lifecycle.start()
  expect(lifecycle.running).toBe(true)
})
