import { expect, it } from 'vitest'
import { findRetiredWords } from '../retired-words.ts'

it('finds a retired word with its line, and says what to use', () => {
  const text = '/** A batch. */\n/** One stretch of the log. */\n'
  expect(findRetiredWords('packages/events-engine/src/feed.ts', text)).toEqual([
    { line: 2, found: 'stretch', use: 'batch, or range' },
  ])
})

it('leaves ordinary English, and files that have not followed yet', () => {
  expect(findRetiredWords('packages/sender/src/rate-limiter.ts', 'in any stretch of time')).toEqual([])
  expect(findRetiredWords('packages/sender/src/worker.ts', 'set aside')).toEqual([])
})
