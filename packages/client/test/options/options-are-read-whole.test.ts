import { describe, expect, it } from 'vitest'
import {
  createPropertyDictionary,
  createSyncClient,
  followSite,
  observable,
  SyncClientError,
} from '../../src/index.ts'
import { shareTabs } from '../../src/tabs.ts'
import { syncServer } from '../sync-server.ts'

const url = 'https://www.example.com/api/Sync'
const client = createSyncClient({ url })
const site = { client, siteKey: '1:7', reload: () => {}, refresh: () => {} }

type Call = (options: never) => unknown
const calls: readonly (readonly [call: string, Call, complete: object])[] = [
  ['createSyncClient', (options) => createSyncClient(options), { url }],
  ['followSite', (options) => followSite(options), site],
  ['shareTabs', (options) => shareTabs(options), { group: 'ada' }],
  ['createPropertyDictionary', (options) => createPropertyDictionary({}, options), {}],
  ['observable', (options) => observable({}, options), {}],
]

function expectRefusal(create: () => unknown, call: string, message: string): void {
  expect(create).toThrow(SyncClientError)
  expect(create).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(call) }),
  )
  expect(create).toThrow(message)
}

describe.each(calls)('%s', (call, create, complete) => {
  it.each([
    ['null', null, 'got null'],
    ['a number', 5, 'got 5'],
    ['a text', 'auto', 'got "auto"'],
    ['a list', [], 'got object'],
    ['an object of another kind', new Map(), 'got object'],
  ])('refuses %s', (_, options, got) => {
    expectRefusal(() => create(options as never), call, `options must be a plain object; ${got}`)
  })

  it.each(['urll', 'logge', 'toString'])('refuses a name that it does not know: %s', (name) => {
    expectRefusal(
      () => create({ ...complete, [name]: 1 } as never),
      call,
      `options.${name} must be left out, since there is none of that name; there are `,
    )
  })

  it('takes what it knows', () => {
    create(complete as never)
  })
})

it.each([['createSyncClient', () => createSyncClient(undefined as never)] as const])(
  'needs options: %s',
  (call, create) => expectRefusal(create, call, 'options must be a plain object; got undefined'),
)

it('needs no options for what has none to need', () => {
  shareTabs()
  createPropertyDictionary()
  observable({ title: '' }, undefined)
})

it.each([
  ['lastSyncDate', '2026-01-01'],
  ['lastSyncDate', null],
  ['lastSyncDate', 0],
  ['siteKey', null],
  ['transport', 'stream'],
  ['transport', null],
  ['tabs', true],
  ['tabs', null],
  ['pollIntervalMs', '10'],
  ['pollIntervalMs', null],
  ['silenceMs', Number.POSITIVE_INFINITY],
  ['streamRetryMs', -1],
  ['headers', 'authorization: me'],
  ['headers', null],
  ['headers', new Headers({ authorization: 'me' })],
  ['headers', [['authorization', 'me']]],
  ['fetch', null],
  ['fetch', {}],
  ['clock', null],
  ['clock', { now: () => 0 }],
  ['logger', 5],
  ['logger', { warn() {} }],
])('createSyncClient refuses a %s of %j', (name, value) => {
  const create = () => createSyncClient({ url, [name]: value } as never)
  expectRefusal(create, 'createSyncClient', `options.${name} must be`)
})

it.each([
  ['client', null],
  ['client', {}],
  ['siteKey', 17],
  ['userId', { id: 1 }],
  ['userId', null],
  ['reload', undefined],
  ['refresh', 'now'],
])('followSite refuses a %s of %j', (name, value) => {
  expectRefusal(
    () => followSite({ ...site, [name]: value } as never),
    'followSite',
    `options.${name} must be`,
  )
})

it('refuses what is no text as a group, and what is no logger', () => {
  expectRefusal(() => shareTabs({ group: 5 as never }), 'shareTabs', 'options.group must be')
  expectRefusal(() => observable({}, { logger: null as never }), 'observable', 'options.logger must be')
})

it('sends all headers, or none of them: what a function gives must be a plain object', async () => {
  await using server = await syncServer()
  const headers = () => new Headers({ authorization: 'me' }) as never
  const polled = createSyncClient({ url: server.url, headers })
  const messages: string[] = []
  polled.on('error', (error) => messages.push(error.message))
  expect(await polled.poll()).toBe(false)
  expect(messages).toEqual([
    expect.stringContaining('options.headers must be a function that gives a plain object'),
  ])
  expect(server.requests).toEqual([])
})
