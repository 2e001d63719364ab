import { expect, it } from 'vitest'
import { EventsError } from '../src/index.ts'

it('knows an error from another copy of the package by its brand', () => {
  const fromAnotherCopy = Object.assign(new Error(), { [Symbol.for('@x/events.error')]: true })
  expect(EventsError.is(fromAnotherCopy)).toBe(true)
  expect(EventsError.is(new EventsError('some_code', 'text'))).toBe(true)
})

it('does not take other values for one', () => {
  for (const value of [undefined, null, 'text', new Error('text'), { code: 'some_code' }]) {
    expect(EventsError.is(value)).toBe(false)
  }
})

it('keeps code, cause and the name of its class', () => {
  class TidyError extends EventsError<'untidy'> {}
  const cause = new Error('why')
  const error = new TidyError('untidy', 'text', { cause })
  expect(error).toMatchObject({ name: 'TidyError', code: 'untidy', message: 'text', cause })
})
