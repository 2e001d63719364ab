import { generateSecret, WebhookKeyError } from '@x/signature'
import Database from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import createKnex from 'knex'
import { Kysely, SqliteDialect } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { createInboxTable as createDrizzleTable, drizzleInbox } from '../../src/drizzle.ts'
import {
  createReceiver,
  inboxTableSql,
  jwks,
  memoryReplayStore,
  memorySequenceStore,
  Webhook,
} from '../../src/index.ts'
import { createInboxTable as createKnexTable, knexInbox } from '../../src/knex.ts'
import {
  createInboxTable as createKyselyTable,
  createReplayTable,
  kyselyInbox,
  kyselyReplayStore,
} from '../../src/kysely.ts'
import { createInboxTable as createPgTable, pgInbox } from '../../src/pg.ts'
import { createInboxTable as createPrismaTable, prismaInbox } from '../../src/prisma.ts'
import { redisReplayStore } from '../../src/redis.ts'
import * as schemes from '../../src/schemes.ts'
import { fakeClock, signedHeaders, signedRequest } from '../../src/testing.ts'
import { secret as senderSecret } from '../messages.ts'
import { inputOf, numberedSender } from '../sequence/numbered-sender.ts'

const secret = generateSecret()
const body = JSON.stringify({ type: 'File.Create', timestamp: '2026-01-01T00:00:00Z', data: {} })
const never = async () => {
  throw new Error('No database is asked here.')
}
const sqlite = new Database(':memory:')
const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database: sqlite }) })
const knex = createKnex({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true })
const drizzled = drizzle({ client: sqlite })
const pg = { connect: never, query: never } as never
const prisma = { _activeProvider: 'sqlite', $executeRawUnsafe: never, $queryRawUnsafe: never } as never
const redis = { eval: never }
afterAll(async () => {
  await knex.destroy()
  await kysely.destroy()
})

const url = 'https://host.example/.well-known/webhook-keys'
const place = { code: 'abc' }
const signed = { secret: 'abc' }
const sent = { secret: 'abc', url: 'https://host.example/hook' }
const definition = { name: 'acme', verify: () => true, event: () => ({ data: {} }) }
const message = { secret, body }
const webhook = new Webhook(secret)
const inbox = kyselyInbox(kysely)
const followed = createReceiver({ secrets: secret, sequence: { store: memorySequenceStore() } })
const source = { url: 'https://host.example/events/endpoints/ep_1/messages', key: 'whk_abc' }

/** What each call takes: with what it needs, and a name that is misspelt. */
type Case = readonly [call: string, create: (options: never) => unknown, complete: object]

const needing: readonly Case[] = [
  ['createReceiver', (options) => createReceiver(options), { secrets: secret, toleranceSeconds: 5 }],
  ['inboxTableSql', (options) => inboxTableSql(options), { dialect: 'sqlite' }],
  ['receiver.catchUp', (options) => followed.catchUp(options), { ...source, url: 'https://host.example' }],
  ['hmac', (options) => schemes.hmac(options), { secret: 'abc', header: 'x-signature' }],
  ['sharedSecret', (options) => schemes.sharedSecret(options), { secret: 'abc', find: () => 'abc' }],
  ['defineScheme', (options) => schemes.defineScheme(options), definition],
  ['github', (options) => schemes.github(options), signed],
  ['stripe', (options) => schemes.stripe(options), signed],
  ['shopify', (options) => schemes.shopify(options), signed],
  ['standardWebhooks', (options) => schemes.standardWebhooks(options), { secret }],
  ['trello', (options) => schemes.trello(options), sent],
  ['twilio', (options) => schemes.twilio(options), sent],
  ['mandrill', (options) => schemes.mandrill(options), sent],
  ['meta', (options) => schemes.meta(options), { ...signed, verifyToken: 'def' }],
  ['pusher', (options) => schemes.pusher(options), { ...signed, key: 'def' }],
  ['gitlab', (options) => schemes.gitlab(options), { token: 'abc' }],
  ['gitlab', (options) => schemes.gitlab(options), { signingToken: secret }],
  ['generic', (options) => schemes.generic(options), place],
  ['generic', (options) => schemes.generic(options), { header: 'x-key', secret: 'abc' }],
  ['mailchimp', (options) => schemes.mailchimp(options), { username: 'ada', password: 'abc' }],
  ['eventGrid', (options) => schemes.eventGrid(options), place],
  ['salesforce', (options) => schemes.salesforce(options), { ...place, organizationId: '00D000000000001' }],
  ['paypal', (options) => schemes.paypal(options), { webhookId: 'ABC' }],
  ['signedHeaders', (options) => signedHeaders(options), message],
  ['signedHeaders', (options) => signedRequest(options), message],
]

const choosing: readonly Case[] = [
  ['jwks', (options) => jwks(url, options), {}],
  ['memoryReplayStore', (options) => memoryReplayStore(options), {}],
  ['memorySequenceStore', (options) => memorySequenceStore(options), {}],
  ['kyselyReplayStore', (options) => kyselyReplayStore(kysely, options), {}],
  ['redisReplayStore', (options) => redisReplayStore(redis, options), {}],
  ['kyselyInbox', (options) => kyselyInbox(kysely, options), {}],
  ['knexInbox', (options) => knexInbox(knex, options), {}],
  ['drizzleInbox', (options) => drizzleInbox(drizzled, options), {}],
  ['pgInbox', (options) => pgInbox(pg, options), {}],
  ['prismaInbox', (options) => prismaInbox(prisma, options), {}],
  ['kyselyInbox.purge', (options) => inbox.purge(options), {}],
  ['Webhook', (options) => new Webhook(secret, options), {}],
  ['Webhook.verify', (options) => webhook.verify(body, signedHeaders(message), options), {}],
]

async function expectRefusal(create: () => unknown, call: string, ...parts: readonly string[]) {
  const error: unknown = await (async () => create())().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'invalid_argument' })
  const { message: text } = error as Error
  expect(text).toMatch(new RegExp(`^${call.replace('.', '\\.')}: `))
  for (const part of parts) expect(text).toContain(part)
}

describe.each([...needing, ...choosing])('%s', (call, create, complete) => {
  it.each([
    ['null', null, 'got null'],
    ['a number', 5, 'got 5'],
    ['a text', 'abc', 'got a text'],
    ['a list', [], 'got a list of 0'],
    ['an object of another kind', new Map(), 'got an object'],
  ])('refuses %s', async (_, options, got) => {
    await expectRefusal(() => create(options as never), call, `options must be a plain object; ${got}`)
  })

  it.each(['sercet', 'toString'])('refuses a name that it does not know: %s', async (name) => {
    const expected = `${name} must be left out, since there is none of that name; there are `
    await expectRefusal(() => create({ ...complete, [name]: 5 } as never), call, expected)
  })
})

it.each(needing)('%s needs options', async (call, create) => {
  await expectRefusal(() => create(undefined as never), call, 'options must be a plain object; got undefined')
})

it.each(needing.filter(([call]) => call !== 'receiver.catchUp'))(
  '%s takes what it needs',
  (_, create, complete) => {
    create(complete as never)
    create(Object.assign(Object.create(null), complete) as never)
  },
)

it.each(choosing)('%s needs no options', async (_, create) => {
  if (_ === 'kyselyInbox.purge') await createKyselyTable(kysely)
  await create(undefined as never)
  await create({} as never)
})

const store = memorySequenceStore()
const withSequence = (sequence: unknown) => () => createReceiver({ secrets: secret, sequence } as never)
const withHandshake = (handshake: unknown) => () => createReceiver({ secrets: secret, handshake } as never)

it.each([
  ['tolerance', () => createReceiver({ secrets: secret, tolerance: 5 } as never)],
  ['maxBodyBytes', () => createReceiver({ secrets: secret, maxBodyBytes: '5' as never })],
  ['inbox', () => createReceiver({ secrets: secret, inbox: 0 as never })],
  ['inbox', () => createReceiver({ secrets: secret, inbox: null as never })],
  ['replayStore', () => createReceiver({ secrets: secret, replayStore: null as never })],
  ['schemas', () => createReceiver({ secrets: secret, schemas: [] as never })],
  ['publicKeys', () => createReceiver({ publicKeys: url as never })],
  [
    'answerChallenges',
    () => createReceiver({ scheme: schemes.github(signed), answerChallenges: true } as never),
  ],
  ['sequence', withSequence(true)],
  ['sequence', withSequence(null)],
  ['sequence.storre', withSequence({ store, storre: store })],
  ['sequence.catchUp', withSequence({ store, catchUp: null })],
  ['sequence.catchUp', withSequence({ store, catchUp: [] })],
  ['sequence.catchUp.endpiont', withSequence({ store, catchUp: { ...source, endpiont: 'ep_1' } })],
  ['sequence.start', withSequence({ store, start: '1' })],
  ['handshake', withHandshake(null)],
  ['handshake', withHandshake('*')],
  ['handshake.origin', withHandshake({ origins: '*', origin: 'x' })],
  ['handshake.requestsPerMinute', withHandshake({ origins: '*', requestsPerMinute: '5' })],
])('createReceiver refuses a wrong %s', async (name, create) => {
  await expectRefusal(create, 'createReceiver', `options.${name} must be`)
})

it.each([
  ['jwks', 'timeoutMs', () => jwks(url, { timeoutMs: Number.NaN })],
  ['jwks', 'timeoutMs', () => jwks(url, { timeoutMs: '5000' as never })],
  ['jwks', 'maxAgeSeconds', () => jwks(url, { maxAgeSeconds: '300' as never })],
  ['jwks', 'allowHttp', () => jwks(url, { allowHttp: 'no' as never })],
  ['jwks', 'fetch', () => jwks(url, { fetch: {} as never })],
  ['jwks', 'clock', () => jwks(url, { clock: null as never })],
  ['memoryReplayStore', 'ttlSeconds', () => memoryReplayStore({ ttlSeconds: '5' as never })],
  ['memoryReplayStore', 'clock', () => memoryReplayStore({ clock: {} as never })],
  ['redisReplayStore', 'keyPrefix', () => redisReplayStore(redis, { keyPrefix: 5 as never })],
  ['redisReplayStore', 'scope', () => redisReplayStore(redis, { scope: null as never })],
  ['kyselyReplayStore', 'table', () => kyselyReplayStore(kysely, { table: 5 as never })],
  ['kyselyReplayStore', 'clock', () => kyselyReplayStore(kysely, { clock: 5 as never })],
  ['kyselyInbox', 'retentionDays', () => kyselyInbox(kysely, { retentionDays: '30' as never })],
  ['knexInbox', 'scope', () => knexInbox(knex, { scope: null as never })],
  ['pgInbox', 'isolationLevel', () => pgInbox(pg, { isolationLevel: 'chaos; drop table x' as never })],
  ['drizzleInbox', 'clock', () => drizzleInbox(drizzled, { clock: {} as never })],
  ['prismaInbox', 'timeoutMs', () => prismaInbox(prisma, { timeoutMs: '5' as never })],
  ['Webhook', 'format', () => new Webhook(secret, { format: 'hex' as never })],
  ['Webhook', 'clock', () => new Webhook(secret, { clock: {} as never })],
  [
    'Webhook.verify',
    'jsonParse',
    () => webhook.verify(body, signedHeaders(message), { jsonParse: 'no' as never }),
  ],
  ['paypal', 'fetch', () => schemes.paypal({ webhookId: 'ABC', fetch: 5 as never })],
])('%s refuses a wrong %s', async (call, name, create) => {
  await expectRefusal(create, call, `options.${name} must be`)
})

it.each([
  ['inboxTableSql', 'dialect', () => inboxTableSql({ dialect: 'mysql' as never })],
  ['inboxTableSql', 'dialect', () => inboxTableSql({} as never)],
  ['inboxTableSql', 'table', () => inboxTableSql({ dialect: 'sqlite', table: null as never })],
  ['inboxTableSql', 'table', () => inboxTableSql({ dialect: 'sqlite', table: 5 as never })],
  // Libraries write their parameters like that.
  ['inboxTableSql', 'table', () => inboxTableSql({ dialect: 'postgres', table: 'inbox$1' })],
  ['pgInbox', 'table', () => pgInbox(pg, { table: 'app.inbox$1' })],
  ['knexInbox', 'table', () => knexInbox(knex, { table: 'inbox$1' })],
  ['knexInbox', 'table', () => knexInbox(knex, { table: 'inbox?' })],
  ['drizzleInbox', 'table', () => drizzleInbox(drizzled, { table: ':inbox' })],
  ['createInboxTable', 'db', () => createKyselyTable(null as never)],
  ['createInboxTable', 'table', () => createKyselyTable(kysely, { table: 'x' } as never)],
  ['createInboxTable', 'db', () => createPgTable({} as never)],
  ['createInboxTable', 'table', () => createPgTable(pg, 5 as never)],
  ['createInboxTable', 'knex', () => createKnexTable(null as never)],
  ['createInboxTable', 'table', () => createKnexTable(knex, null as never)],
  ['createInboxTable', 'db', () => createDrizzleTable(null as never)],
  ['createInboxTable', 'table', () => createDrizzleTable(drizzled, [] as never)],
  ['createInboxTable', 'db', () => createPrismaTable(undefined as never)],
  ['createInboxTable', 'table', () => createPrismaTable(prisma, 5 as never)],
  ['createReplayTable', 'db', () => createReplayTable(null as never)],
  ['createReplayTable', 'table', () => createReplayTable(kysely, { table: 'x' } as never)],
  ['kyselyInbox', 'db', () => kyselyInbox(undefined as never)],
  ['kyselyReplayStore', 'db', () => kyselyReplayStore({ table: 'x' } as never)],
  ['knexInbox', 'knex', () => knexInbox(undefined as never)],
  ['pgInbox', 'db', () => pgInbox(undefined as never)],
  ['drizzleInbox', 'db', () => drizzleInbox(undefined as never)],
  ['prismaInbox', 'db', () => prismaInbox(null as never)],
  ['redisReplayStore', 'client', () => redisReplayStore(null as never)],
  ['receiver.catchUp', 'fetch', () => followed.catchUp({ ...source, fetch: {} as never })],
  ['receiver.catchUp', 'signal', () => followed.catchUp({ ...source, signal: {} as never })],
  ['receiver.catchUp', 'endpoint', () => followed.catchUp({ ...source, endpoint: 5 as never })],
  ['receiver.verify', 'about', () => followed.verify(body, signedHeaders(message), url as never)],
  ['receiver.verify', 'about', () => followed.verifySync(body, signedHeaders(message), 5 as never)],
  ['receiver.verify', 'about.url', () => followed.verify(body, signedHeaders(message), { url: 5 as never })],
  ['hmac', 'header', () => schemes.hmac({ secret: 'abc', header: 'x y' })],
  ['hmac', 'hash', () => schemes.hmac({ secret: 'abc', header: 'x', hash: 'sha256' as never })],
  ['hmac', 'encoding', () => schemes.hmac({ secret: 'abc', header: 'x', encoding: 'HEX' as never })],
  ['hmac', 'prefix', () => schemes.hmac({ secret: 'abc', header: 'x', prefix: 5 as never })],
  ['hmac', 'content', () => schemes.hmac({ secret: 'abc', header: 'x', content: 'body' as never })],
  ['sharedSecret', 'find', () => schemes.sharedSecret({ secret: 'abc' } as never)],
  [
    'defineScheme',
    'formats of acme',
    () => schemes.defineScheme({ ...definition, formats: ['yaml' as never] }),
  ],
  [
    'defineScheme',
    'formats of acme',
    () => schemes.defineScheme({ ...definition, formats: 'json' as never }),
  ],
  [
    'defineScheme',
    'handshake of acme',
    () => schemes.defineScheme({ ...definition, handshake: {} as never }),
  ],
  ['generic', 'parameter', () => schemes.generic({ code: 'abc', parameter: 5 as never })],
  ['signedHeaders', 'timestamp', () => signedHeaders({ ...message, timestamp: 5 as never })],
  ['signedHeaders', 'timestamp', () => signedHeaders({ ...message, timestamp: new Date(Number.NaN) })],
  ['signedHeaders', 'headerFamily', () => signedHeaders({ ...message, headerFamily: 'x' as never })],
  ['signedHeaders', 'body', () => signedHeaders({ secret } as never)],
  ['fakeClock', 'startMs', () => fakeClock('now' as never)],
  ['Webhook.sign', 'timestamp', () => webhook.sign('evt_1', 5 as never, body)],
] as const)('%s refuses a wrong %s', async (call, name, create) => {
  await expectRefusal(create, call, `${name} must be`)
})

it.each([null, 5, {}, new Array(32)])('makes no Webhook of the raw secret %j', (bytes) => {
  expect(() => new Webhook(bytes as never, { format: 'raw' })).toThrow(WebhookKeyError)
})

it('takes the request of a host as what secrets may depend on', async () => {
  const request = signedRequest(message)
  const receiver = createReceiver({ secrets: ({ url: at }) => (at === request.url ? secret : []) })
  await receiver.verify(body, request.headers, request)
})

it.each([
  ['a promise', async () => source],
  ['a promise that fails', () => Promise.reject(new Error('signed out'))],
  ['null', () => null],
  ['a misspelt name', () => ({ ...source, endpiont: 'ep_1' })],
])('tells that sequence.catchUp gave %s, and handles the message', async (_, catchUp) => {
  const sender = numberedSender()
  const [one, , three] = [sender.send(), sender.send(), sender.send()]
  const receiver = createReceiver({
    secrets: senderSecret,
    sequence: { store: memorySequenceStore(), catchUp: catchUp as never },
  })
  const errors: unknown[] = []
  receiver.onError((error) => errors.push(error))
  for (const sentMessage of [one, three]) {
    expect(await receiver.receive(inputOf(sentMessage))).toMatchObject({ status: 204 })
  }
  expect(errors).toEqual([
    expect.objectContaining({
      code: 'invalid_argument',
      message: expect.stringContaining('sequence.catchUp'),
    }),
  ])
})
