import { runInNewContext } from 'node:vm'

const unreadable = (what: string): never => {
  throw new Error(`its ${what} is nobody's to read`)
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable(new Error('gone'), {})
  revoke()
  return proxy
}

function ownCause(): Error {
  const error = new Error('round and round')
  error.cause = new Error('in between', { cause: error })
  return error
}

function deep(): Error {
  let error = new Error('the last')
  for (let index = 0; index < 100_000; index++) error = new Error('one of many', { cause: error })
  return error
}

/** What a subscriber can throw, and a part of what is kept of it. */
export const hostileErrors: readonly (readonly [what: string, make: () => unknown, kept: string])[] = [
  [
    'what JSON.parse says of a NUL',
    () => {
      try {
        return JSON.parse('\0')
      } catch (error) {
        return error
      }
    },
    'SyntaxError',
  ],
  ['half a surrogate pair', () => new Error('half \ud83d here'), 'half \ufffd here'],
  ['a NUL in a text', () => 'cut\0off', 'cut\ufffdoff'],
  [
    'a NUL in the name',
    () => Object.assign(new Error('named'), { name: 'Odd\0Error' }),
    'Odd\ufffdError: named',
  ],
  ['a NUL in a cause', () => new Error('outer', { cause: new Error('inner\0') }), 'inner\ufffd'],
  ['a message of 10 MB', () => new Error('x'.repeat(10_000_000)), 'xxxx'],
  ['half of a pair where a text is cut', () => new Error(`${'x'.repeat(3_992)}\u{1f600}`), 'xxxx'],
  ['null', () => null, 'null'],
  ['undefined', () => undefined, 'undefined'],
  ['a symbol', () => Symbol('odd'), 'Symbol(odd)'],
  ['a BigInt', () => 7n, '7'],
  ['an object without a prototype', () => Object.create(null), 'cannot be read'],
  ['an object that is no error', () => ({ message: 'plain\0' }), 'plain\ufffd'],
  ['an error of another realm', () => runInNewContext('new TypeError("far away")'), 'TypeError: far away'],
  [
    'a message that throws',
    () => Object.defineProperty(new Error(), 'message', { get: () => unreadable('message') }),
    'cannot be read',
  ],
  [
    'a name that throws',
    () => Object.defineProperty(new Error('its name'), 'name', { get: () => unreadable('name') }),
    'its name',
  ],
  [
    'a cause that throws',
    () => Object.defineProperty(new Error('its cause'), 'cause', { get: () => unreadable('cause') }),
    'its cause',
  ],
  [
    'a message that is no text',
    () => Object.assign(new Error(), { message: { odd: true } }),
    '[object Object]',
  ],
  [
    'a code that throws',
    () => Object.defineProperty(new Error('c'), 'code', { get: () => unreadable('code') }),
    'c',
  ],
  [
    'a stack that throws',
    () => Object.defineProperty(new Error('s'), 'stack', { get: () => unreadable('stack') }),
    's',
  ],
  ['an error that is its own cause', ownCause, 'round and round'],
  ['causes without end', deep, 'one of many'],
  ['a proxy that was revoked', revoked, 'cannot be read'],
  [
    'a proxy that throws',
    () =>
      new Proxy(new Error('p'), {
        get: () => unreadable('everything'),
        has: () => unreadable('everything'),
        getPrototypeOf: () => unreadable('everything'),
      }),
    'cannot be read',
  ],
]
