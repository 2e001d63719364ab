import { chainNext, chainStart, createSigner, digestOf, sequenceContent } from '@x/signature'
import { payloadOf, secret } from '../messages.ts'

export const ENDPOINT = 'ep_1'
export const KEY = 'whk_test'
export const MESSAGES_URL = `https://sender.test/events/endpoints/${ENDPOINT}/messages`

/** A message that was numbered. */
export interface SentMessage {
  readonly id: string
  readonly sequence: number
  readonly chain: string
  readonly body: string
}

/** The sender of one endpoint, with its events API. */
export interface NumberedSender {
  readonly messages: readonly SentMessage[]
  readonly chain: string
  send(type?: string, id?: string): SentMessage
  /** As a restored copy, whose last messages are lost. */
  restore(keep: number): void
  /** As retention, or somebody, deletes what is before a number. */
  forget(before: number): void
  readonly fetch: typeof globalThis.fetch
  /** Requests to the events API. */
  readonly asked: string[]
}

/** A request as it is sent. */
export interface SentRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A request, signed now. */
export function inputOf(
  { id, sequence, chain, body }: SentMessage,
  { endpoint = ENDPOINT, now = Date.now } = {},
): SentRequest {
  const signer = createSigner(secret)
  const timestamp = Math.floor(now() / 1_000)
  return {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signer.sign({ id, timestamp, body }),
      'webhook-endpoint': endpoint,
      'webhook-sequence': String(sequence),
      'webhook-chain': chain,
      'webhook-sequence-signature': signer.sign({
        id,
        timestamp,
        body: sequenceContent({ endpoint, sequence, chain }),
      }),
    },
  }
}

const answer = (status: number, body: object) => new Response(JSON.stringify(body), { status })

let senders = 0

/** Creates a sender that has sent nothing yet. */
export function numberedSender({ endpoint = ENDPOINT, now = Date.now } = {}): NumberedSender {
  const messages: SentMessage[] = []
  const asked: string[] = []
  const prefix = `evt_${++senders}`
  let drawn = 0
  let first = 1
  const last = () => messages.at(-1)

  return {
    messages,
    asked,
    get chain() {
      return last()?.chain ?? chainStart(endpoint)
    },
    send(type = 'File.Create', id = `${prefix}-${++drawn}`) {
      const body = JSON.stringify(payloadOf(type))
      const sequence = (last()?.sequence ?? 0) + 1
      const before = last()?.chain ?? chainStart(endpoint)
      const chain = chainNext(before, { sequence, id, digest: digestOf(body) })
      const message = { id, sequence, chain, body }
      messages.push(message)
      return message
    },
    restore(keep) {
      messages.length = keep
    },
    forget(before) {
      first = before
    },
    async fetch(input, init) {
      const url = new URL(String(input))
      asked.push(url.href)
      if (new Headers(init?.headers).get('authorization') !== `Bearer ${KEY}`) {
        return answer(401, { title: 'Unauthorized', status: 401, detail: 'The key is not known.' })
      }
      const after = Number(url.searchParams.get('after'))
      if (after + 1 < first && after < (last()?.sequence ?? 0)) {
        return answer(410, { title: 'Gone', status: 410, code: 'gone', first })
      }
      // Small pages, so that there are several.
      const rest = messages.filter(({ sequence }) => sequence > after)
      const page = rest.slice(0, 3)
      return answer(200, {
        messages: page.map((message) => ({
          id: message.id,
          sequence: message.sequence,
          headers: inputOf(message, { endpoint, now }).headers,
          body: message.body,
        })),
        cursor: String(page.at(-1)?.sequence ?? after),
        hasMore: rest.length > page.length,
      })
    },
  }
}
