import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { CliIo } from '../../src/cli/cli-io.ts'
import type { EventsClient } from '../../src/cli/events-client.ts'
import { openPlace } from '../../src/cli/place.ts'
import { checkOf, pull } from '../../src/cli/pull.ts'
import { relay } from '../../src/cli/relay.ts'
import type { PulledMessage } from '../../src/events-page.ts'
import { generateSecret } from '../../src/index.ts'
import { signedHeaders } from '../../src/testing.ts'
import { ENDPOINT, eventsServer, KEY, type StoredMessage } from './events-server.ts'

const secret = generateSecret()
const message = (number: number): StoredMessage => ({
  id: `evt_${number}`,
  body: JSON.stringify({ type: 'File.Create', timestamp: 't', data: { number } }),
})
const three = [message(1), message(2), message(3)]

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }))
afterEach(() => void vi.useRealTimers())

/** Takes four minutes for each text that it is given. */
function slowIo() {
  const texts: string[] = []
  const take = (text: string) => {
    texts.push(text)
    vi.setSystemTime(Date.now() + 240_000)
  }
  const errors: string[] = []
  const io: CliIo = {
    env: { WEBHOOK_KEY: KEY },
    write: take,
    print: async (text) => take(text),
    writeError: (text) => void errors.push(text),
  }
  return { io, texts, errors }
}

it('pull believes a page that was read in good time, however slowly it is taken', async () => {
  await using server = await eventsServer(secret)
  server.add(...three)
  const { io, texts, errors } = slowIo()
  const args = ['--url', server.url, '--endpoint', ENDPOINT, '--secret', secret]
  expect(await pull(args, io)).toBe(0)
  expect(texts.map((text) => JSON.parse(text).id)).toEqual(three.map(({ id }) => id))
  expect([errors, server.queries.length]).toEqual([[], 1])
})

/** An events API that gives one page, and then is gone. */
function clientOf(messages: readonly PulledMessage[]): EventsClient {
  const pages = [{ messages, cursor: String(messages.length), hasMore: false }]
  return {
    url: 'https://sender.test/events/endpoints/ep_1/messages',
    async read() {
      const page = pages.shift()
      if (page) return page
      throw new Error('no further page')
    },
  }
}

async function relayed(messages: readonly PulledMessage[]) {
  const { io, texts } = slowIo()
  const client = clientOf(messages)
  const place = await openPlace({ url: client.url, after: '0', file: undefined }, io)
  const check = checkOf([secret], io)
  const ended = await relay({ client, place, forwardTo: undefined, check, io }).catch(
    (error) => error.message,
  )
  return { ended, shown: texts.map((text) => / (evt_\d+) /.exec(text)?.[1]), after: place.after }
}

const pulled = ({ id, body }: StoredMessage, index: number, by = secret): PulledMessage => ({
  id,
  sequence: index + 1,
  headers: { ...signedHeaders({ secret: by, id, body }) },
  body,
})

it('listen believes a page that was read in good time, however slowly it is taken', async () => {
  expect(await relayed(three.map((one, index) => pulled(one, index)))).toEqual({
    ended: 'no further page',
    shown: ['evt_1', 'evt_2', 'evt_3'],
    after: '3',
  })
})

it('shows nothing of a page on which a message does not verify', async () => {
  const other = pulled(message(3), 2, generateSecret())
  const messages = [...three.slice(0, 2).map((one, index) => pulled(one, index)), other]
  expect(await relayed(messages)).toEqual({
    ended: expect.stringContaining('message 3 (evt_3) does not verify'),
    shown: [],
    after: '0',
  })
})
