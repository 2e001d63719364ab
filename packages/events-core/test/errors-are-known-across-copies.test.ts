import { expect, it, vi } from 'vitest'
import { EventsError } from '../src/index.ts'

class TidyError extends EventsError<'untidy'> {
  static override readonly errorName: string = 'TidyError'
}
class DustyError extends TidyError {
  static override readonly errorName = 'DustyError'
}
class OtherError extends EventsError<'other'> {
  static override readonly errorName = 'OtherError'
}

it('knows an error from another copy of the package by its brand', async () => {
  vi.resetModules()
  const copy = await import('../src/index.ts')
  expect(copy.EventsError).not.toBe(EventsError)
  expect(EventsError.is(new copy.EventsError('some_code', 'text'))).toBe(true)
  expect(EventsError.is(new EventsError('some_code', 'text'))).toBe(true)
})

it('does not take other values for one', () => {
  for (const value of [undefined, null, 'text', new Error('text'), { code: 'some_code' }, () => 1]) {
    expect(EventsError.is(value)).toBe(false)
  }
})

it('tells the errors of one class from those of another, and takes those of a class below for its own', () => {
  const errors = [new EventsError('some_code', ''), new TidyError('untidy', ''), new OtherError('other', '')]
  const dusty = new DustyError('untidy', '')
  const known = (kind: typeof TidyError) => [...errors, dusty].map((error) => kind.is(error))
  expect(known(EventsError as never)).toEqual([true, true, true, true])
  expect(known(TidyError)).toEqual([false, true, false, true])
  expect(known(DustyError)).toEqual([false, false, false, true])
  expect(known(OtherError as never)).toEqual([false, false, true, false])
})

it('goes by the class where one declares no name of its own', () => {
  class HostsError extends TidyError {}
  expect(HostsError.is(new TidyError('untidy', ''))).toBe(false)
  expect(HostsError.is(new HostsError('untidy', ''))).toBe(true)
  expect(TidyError.is(new HostsError('untidy', ''))).toBe(true)
  expect(new HostsError('untidy', '').name).toBe('HostsError')
})

it('looks without harm at what refuses to be looked at', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const evil = new Proxy(new Error('evil'), {
    get() {
      throw new Error('not yours')
    },
    has: () => true,
  })
  expect([EventsError.is(proxy), TidyError.is(evil)]).toEqual([false, false])
})

it('keeps code, cause and the name of its class', () => {
  const cause = new Error('why')
  const error = new TidyError('untidy', 'text', { cause })
  expect(error).toMatchObject({ name: 'TidyError', code: 'untidy', message: 'text', cause })
})
