import { once } from 'node:events'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { MountedReceiver } from '../src/express.ts'
import { createReceiver, memoryReplayStore, type ReceiverErrorContext, Webhook } from '../src/index.ts'
import { createInboxTable, kyselyInbox } from '../src/kysely.ts'
import { dropbox, trello, wordpress } from '../src/schemes.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, secret } from './messages.ts'
import { begin, type RawRequest, send, type TestServer } from './socket.ts'

/** Starts a server of a framework, with the receiver at `/hook`. */
export type StartServer = (receiver: MountedReceiver) => Promise<TestServer>

/** A framework whose adapter has to do what all of them do. */
export interface AdapterSetup {
  /** Mounts the receiver as the documentation says, for every method. */
  readonly start: StartServer
  /** Behind what reads the body and leaves nothing that a signature could be checked with. */
  readonly consumed?: Readonly<Record<string, StartServer>>
  /** Behind what reads the body and keeps its bytes. */
  readonly kept?: Readonly<Record<string, StartServer>>
  /**
   * Whether the adapter gets the body as it arrives; a function of AWS Lambda gets it whole.
   *
   * @defaultValue true
   */
  readonly isStreaming?: boolean
  /**
   * Whether the framework leaves it to the adapter to refuse other methods.
   *
   * @defaultValue true
   */
  readonly refusesMethods?: boolean
}

// Fastify adds a charset.
const problemType = expect.stringMatching(/^application\/problem\+json/)

const MAX_BODY_BYTES = 1_000_000

function recordingReceiver() {
  const receiver = createReceiver({
    secrets: secret,
    maxBodyBytes: MAX_BODY_BYTES,
    replayStore: memoryReplayStore(),
  })
  const events: unknown[] = []
  const errors: { error: unknown; context: ReceiverErrorContext }[] = []
  receiver.on('*', (event) => events.push(event))
  receiver.onError((error, context) => errors.push({ error, context }))
  return { receiver, events, errors }
}

const payload = payloadOf('File.Create')
const json = JSON.stringify(payload)

function signed(body: string | Uint8Array = json, more: Record<string, string | string[]> = {}) {
  return { body, headers: { ...signedHeaders({ secret, body }), ...more } }
}

function bodyOfLength(bytes: number): string {
  const rest = bytes - Buffer.byteLength(JSON.stringify({ ...payload, text: '' }))
  return JSON.stringify({ ...payload, text: 'x'.repeat(rest) })
}

const exactBodies: [string, string | Uint8Array][] = [
  ['text beyond ASCII', JSON.stringify({ ...payload, text: 'Grüße, 世界 \u{1f4e8} \u2028' })],
  ['a byte order mark', `\ufeff${json}`],
  ['white space around it', `\r\n\t ${json}\n\n`],
  [
    'an order, escapes and numbers that nobody would write again',
    `{"b":1.0,"a":"\\u0041\\/",  ${json.slice(1)}`,
  ],
  ['numbers that JavaScript rounds', `{"n":12345678901234567890,${json.slice(1)}`],
  ['text that is longer than one packet', JSON.stringify({ ...payload, text: 'ü€'.repeat(60_000) })],
]

const challenge = { ...payloadOf('Webhook.Challenge'), data: { entity: { token: 'a-token-of-some-length' } } }

function receives(start: StartServer): void {
  it('answers a challenge by itself, with what only the holder of the secret can sign', async () => {
    const { receiver, events, errors } = recordingReceiver()
    await using server = await start(receiver)
    const { body, headers } = signed(JSON.stringify(challenge))
    const answer = await send(server, { body, headers })
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringMatching(/^application\/json/) },
    })
    const { token, signature } = JSON.parse(answer.text)
    expect(token).toBe('a-token-of-some-length')
    const proof = { ...headers, 'webhook-signature': signature }
    expect(
      new Webhook(secret).verify(`Webhook.Challenge.${token}`, proof, { jsonParse: false }),
    ).toBeUndefined()
    expect([events, errors]).toEqual([[], []])
  })

  it('hands a signed event to its handler', async () => {
    const { receiver, events, errors } = recordingReceiver()
    await using server = await start(receiver)
    const { body, headers } = signed()
    expect(await send(server, { body, headers })).toMatchObject({ status: 204, text: '' })
    expect(events).toEqual([{ ...payload, id: headers['webhook-id'] }])
    expect(errors).toEqual([])
  })

  it('reads the headers of Svix as well, and not half of them', async () => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    const headers = signedHeaders({ secret, body: json, headerFamily: 'svix' })
    expect(await send(server, { body: json, headers })).toMatchObject({ status: 204 })
    expect(events).toEqual([{ ...payload, id: headers['svix-id'] }])
    const { 'svix-id': id = '', ...others } = signedHeaders({ secret, body: json, headerFamily: 'svix' })
    expect(await send(server, { body: json, headers: { ...others, 'webhook-id': id } })).toMatchObject({
      status: 401,
    })
    expect(events).toHaveLength(1)
  })

  it('lets no header that is not signed decide what the event is', async () => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    const { body, headers } = signed('{"type":"User.Login"}', {
      'ce-specversion': '1.0',
      'ce-type': 'User.Delete',
    })
    expect(await send(server, { body, headers })).toMatchObject({ status: 204 })
    expect(events).toMatchObject([{ type: 'User.Login' }])
  })

  it.each(exactBodies)('keeps to the bytes of %s', async (_, body) => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    expect(await send(server, signed(body))).toMatchObject({ status: 204 })
    expect(events).toHaveLength(1)
  })

  it('refuses what was changed, and tells nothing about why', async () => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    const { headers } = signed()
    const answer = await send(server, { headers, body: json.replace('12', '13') })
    expect(answer).toMatchObject({ status: 401, headers: { 'content-type': problemType } })
    expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'unverified' })
    expect(events).toEqual([])
  })
}

function receivesOtherSenders(start: StartServer): void {
  it('hands on forms, and secrets in the URL, of other senders', async () => {
    const receiver = createReceiver<object>({ scheme: wordpress({ code: 'x 9&%' }) })
    const events: unknown[] = []
    receiver.on('publish_post', (event) => events.push(event.data))
    await using server = await start(receiver)
    const path = `/hook?a=1&code=${encodeURIComponent('x 9&%')}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = 'hook=publish_post&title=%C3%BC+%26'
    expect(await send(server, { path, headers, body })).toMatchObject({ status: 200, text: '' })
    expect(await send(server, { headers, body })).toMatchObject({ status: 401 })
    expect(events).toEqual([{ hook: 'publish_post', title: 'ü &' }])
  })

  it('answers the challenges of other senders', async () => {
    await using dropboxServer = await start(createReceiver<object>({ scheme: dropbox({ secret: 's' }) }))
    const path = `/hook?challenge=${encodeURIComponent('a b/ü')}`
    expect(await send(dropboxServer, { method: 'GET', path })).toMatchObject({
      status: 200,
      text: 'a b/ü',
      headers: { 'content-type': expect.stringMatching(/^text\/plain/), 'x-content-type-options': 'nosniff' },
    })
    const url = 'https://consumer.test/hook'
    await using trelloServer = await start(createReceiver<object>({ scheme: trello({ secret: 's', url }) }))
    expect(await send(trelloServer, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  })

  it('answers whether a sender may send, by OPTIONS', async () => {
    const handshake = { origins: ['sender.example'], requestsPerMinute: 120 }
    await using server = await start(createReceiver({ secrets: secret, handshake }))
    const ask = (origin: string) =>
      send(server, { method: 'OPTIONS', headers: { 'webhook-request-origin': origin } })
    expect(await ask('sender.example')).toMatchObject({
      status: 200,
      text: '',
      headers: { 'webhook-allowed-origin': 'sender.example', 'webhook-allowed-rate': '120' },
    })
    const { status, headers } = await ask('other.example')
    expect([status, headers['webhook-allowed-origin']]).toEqual([405, undefined])
  })
}

async function expectAnswer(start: StartServer, request: RawRequest, status: number, code: string) {
  const { receiver, events, errors } = recordingReceiver()
  await using server = await start(receiver)
  const answer = await send(server, request)
  expect(answer).toMatchObject({ status, headers: { 'content-type': problemType } })
  expect(JSON.parse(answer.text)).toMatchObject({ status, code })
  expect(events).toEqual([])
  return { answer, errors }
}

function knowsItsRequest(start: StartServer): void {
  it('says where the request was sent, for secrets that depend on it', async () => {
    const urls: (string | undefined)[] = []
    const receiver = createReceiver({
      secrets: ({ url }) => {
        urls.push(url)
        return secret
      },
    })
    await using server = await start(receiver)
    expect(await send(server, signed())).toMatchObject({ status: 204 })
    expect(urls).toEqual([expect.stringMatching(/\/hook$/)])
  })
}

function tellsWhenTheSenderIsGone(start: StartServer): void {
  it('aborts the signal of a handler when the sender has hung up', async () => {
    const { receiver } = recordingReceiver()
    const { promise: started, resolve: markStarted } = Promise.withResolvers<void>()
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>()
    receiver.on('*', async (_event, { signal }) => {
      markStarted()
      if (!signal.aborted) await once(signal, 'abort')
      abort()
    })
    await using server = await start(receiver)
    const { body, headers } = signed()
    const socket = begin(server, { ...headers, 'content-length': String(body.length) } as never, json)
    await started
    socket.destroy()
    await aborted
  })
}

function refuses(start: StartServer): void {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const

  it.each(names)('answers 401 without %s', async (name) => {
    const { body, headers } = signed()
    const { [name]: _, ...rest } = headers as Record<string, string>
    await expectAnswer(start, { body, headers: rest }, 401, 'unverified')
  })

  it.each(names)('answers 401 to %s sent twice', async (name) => {
    const { body, headers } = signed()
    const twice = [headers[name], headers[name]].flat()
    await expectAnswer(start, { body, headers: { ...headers, [name]: twice } }, 401, 'unverified')
  })

  it('answers 401 to other bytes that decode to the same text', async () => {
    const { headers } = signed(json.replace('File', '\ufffd'))
    const [before = '', after = ''] = json.split('File')
    const body = Buffer.concat([Buffer.from(before), Buffer.of(0xff), Buffer.from(after)])
    await expectAnswer(start, { headers, body }, 401, 'unverified')
  })

  it.each([
    ['that is empty', ''],
    ['that is no JSON', '{"type":'],
    ['that is no UTF-8', Buffer.from(json.replace('File', 'Fi\u00efle'), 'latin1')],
  ])('answers 400 to a body %s, though well signed', async (_, body) => {
    await expectAnswer(start, signed(body), 400, 'invalid_body')
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'answers 415 to %s',
    async (type) => {
      const { answer } = await expectAnswer(
        start,
        signed(json, { 'content-type': type }),
        415,
        'unsupported_media_type',
      )
      expect(answer.status).toBe(415)
    },
  )

  it.each(['application/json; charset=utf-8', 'application/cloudevents+json', undefined])(
    'accepts the content type %s',
    async (type) => {
      const { receiver } = recordingReceiver()
      await using server = await start(receiver)
      const { body, headers } = signed()
      const { 'content-type': _, ...rest } = headers as Record<string, string>
      const request = { body, headers: type === undefined ? rest : { ...rest, 'content-type': type } }
      expect(await send(server, request)).toMatchObject({ status: 204 })
    },
  )
}

function refusesOtherMethods(start: StartServer): void {
  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('answers 405 to %s', async (method) => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    const hasBody = method !== 'GET' && method !== 'HEAD'
    const { headers } = signed()
    const answer = await send(server, {
      method,
      headers: hasBody ? headers : {},
      ...(hasBody && { body: json }),
    })
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    expect(answer.text === '').toBe(method === 'HEAD')
    expect(events).toEqual([])
  })
}

function limits(start: StartServer): void {
  it('reads a body of just the limit', async () => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    expect(await send(server, signed(bodyOfLength(MAX_BODY_BYTES)))).toMatchObject({ status: 204 })
    expect(events).toHaveLength(1)
  })

  it('answers 413 to one byte more', async () => {
    await expectAnswer(start, signed(bodyOfLength(MAX_BODY_BYTES + 1)), 413, 'body_too_large')
  })
}

function limitsStreams(start: StartServer): void {
  it.each([
    ['is announced', { 'content-length': '50000000' }, ''],
    ['arrives', { 'transfer-encoding': 'chunked' }, `f4241\r\n${'x'.repeat(1_000_001)}\r\n`],
  ])('answers 413 as soon as too much %s, without waiting for the rest', async (_, framing, sentSoFar) => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    const headers = { ...signedHeaders({ secret, body: json }), ...framing } as Record<string, string>
    const socket = begin(server, headers, sentSoFar)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
    expect(await send(server, signed())).toMatchObject({ status: 204 })
    expect(events).toHaveLength(1)
  })

  it('survives a sender that hangs up in the middle of the body', async () => {
    const { receiver, events, errors } = recordingReceiver()
    await using server = await start(receiver)
    const socket = begin(
      server,
      { ...signedHeaders({ secret, body: json }), 'content-length': '1000' },
      '{"type"',
    )
    await once(socket, 'connect')
    await new Promise((resolve) => setTimeout(resolve, 30)) // until the framework is waiting for the rest
    socket.destroy()
    expect(await send(server, signed())).toMatchObject({ status: 204 })
    expect(events).toHaveLength(1)
    for (const { context } of errors) expect(context.status).toBe(400)
  })
}

function answersRepetitions(start: StartServer): void {
  it('answers 200 to a repetition, and runs no handler again', async () => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    const request = signed()
    expect(await send(server, request)).toMatchObject({ status: 204 })
    expect(await send(server, request)).toMatchObject({ status: 200, text: '' })
    expect(events).toHaveLength(1)
  })

  it('answers 500 when a handler fails, and handles the next attempt', async () => {
    const { receiver, errors } = recordingReceiver()
    let calls = 0
    receiver.on('File.*', () => {
      if (++calls === 1) throw new Error('the database password is hunter2')
    })
    await using server = await start(receiver)
    const request = signed()
    const failed = await send(server, request)
    expect(failed).toMatchObject({ status: 500 })
    expect(JSON.parse(failed.text)).toMatchObject({ code: 'handlers_failed' })
    expect(failed.text).not.toContain('hunter2')
    expect(errors).toMatchObject([{ error: { code: 'handlers_failed' }, context: { status: 500 } }])
    expect(await send(server, request)).toMatchObject({ status: 204 })
  })

  it('gives each of many at once its own answer', async () => {
    const { receiver, events } = recordingReceiver()
    await using server = await start(receiver)
    const requests = Array.from({ length: 24 }, (_, index) => {
      const { body, headers } = signed(JSON.stringify({ ...payload, index }))
      return index % 3 === 0 ? { headers, body: `${body} ` } : { headers, body }
    })
    const answers = await Promise.all(requests.map((request) => send(server, request)))
    expect(answers.map(({ status }) => status)).toEqual(requests.map((_, i) => (i % 3 === 0 ? 401 : 204)))
    expect(events).toHaveLength(16)
  })
}

function commitsBeforeItAnswers(start: StartServer): void {
  it('answers once the inbox has committed, and runs no handler for a copy', async () => {
    const db = new Kysely<{ seen: { id: string } }>({
      dialect: new SqliteDialect({ database: new Database(':memory:') }),
    })
    await db.schema.createTable('seen').addColumn('id', 'text').execute()
    await createInboxTable(db)
    const receiver = createReceiver({ secrets: secret, inbox: kyselyInbox(db) })
    receiver.on('File.*', async (event, { trx }) => {
      await trx.insertInto('seen').values({ id: event.id }).execute()
    })
    await using server = await start(receiver)
    const request = signed()
    expect(await send(server, request)).toMatchObject({ status: 204 })
    const seen = [{ id: request.headers['webhook-id'] }]
    expect(await db.selectFrom('seen').selectAll().execute()).toEqual(seen)
    expect(await send(server, request)).toMatchObject({ status: 200, text: '' })
    expect(await db.selectFrom('seen').selectAll().execute()).toEqual(seen)
    await db.destroy()
  })
}

function saysWhenTheBodyIsGone(start: StartServer): void {
  it('answers 500 body_consumed, tells onError, and runs no handler', async () => {
    const { answer, errors } = await expectAnswer(start, signed(), 500, 'body_consumed')
    expect(JSON.parse(answer.text).detail).toMatch(/was read before it reached the webhook receiver.*\. \S/)
    expect(errors).toMatchObject([
      { error: { name: 'ReceiverError', code: 'body_consumed' }, context: { status: 500 } },
    ])
  })
}

/** Declares the tests that every adapter has to pass, over a socket. */
export function adapterContract(name: string, setup: AdapterSetup): void {
  const { start, consumed = {}, kept = {}, isStreaming = true, refusesMethods = true } = setup
  describe(name, () => {
    receives(start)
    knowsItsRequest(start)
    refuses(start)
    if (refusesMethods) refusesOtherMethods(start)
    receivesOtherSenders(start)
    limits(start)
    if (isStreaming) limitsStreams(start)
    if (isStreaming) tellsWhenTheSenderIsGone(start)
    answersRepetitions(start)
    commitsBeforeItAnswers(start)
  })
  for (const [how, startKept] of Object.entries(kept)) {
    describe(`${name}, ${how}`, () => receives(startKept))
  }
  for (const [how, startConsumed] of Object.entries(consumed)) {
    describe(`${name}, ${how}`, () => saysWhenTheBodyIsGone(startConsumed))
  }
}
