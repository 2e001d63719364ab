import { expect, it } from 'vitest'
import { generic, mandrill, pusher, square, trello, twilio } from '../../src/schemes.ts'

const missing = undefined as unknown as string

it.each([
  ['twilio: url', () => twilio({ secret: 'abc', url: missing })],
  ['trello: url', () => trello({ secret: 'abc', url: 'no address' })],
  ['square: url', () => square({ secret: 'abc', url: missing })],
  ['mandrill: url', () => mandrill({ secret: 'abc', url: missing })],
  ['pusher: key', () => pusher({ secret: 'abc', key: missing })],
  ['generic: username', () => generic({ username: missing, password: 'abc' })],
  ['generic: header', () => generic({ header: 'x y', secret: 'abc' })],
])('refuses a scheme without its setting: %s', (what, create) => {
  expect(create).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(what) }),
  )
})
