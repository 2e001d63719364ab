import { parseArgs } from 'node:util'
import { createVerifier, WebhookVerificationError } from '@x/signature'
import type { MessagePage } from '../events-page.ts'
import { type CliIo, UsageError } from './cli-io.ts'
import {
  clientOptions,
  createEventsClient,
  EventsApiError,
  type EventsClient,
  MAX_PAGE,
  type PageQuery,
} from './events-client.ts'
import { backoffMs, interruption, pause } from './interruption.ts'
import { openPlace } from './place.ts'

const options = {
  ...clientOptions,
  after: { type: 'string' },
  limit: { type: 'string' },
  follow: { type: 'boolean', default: false },
  state: { type: 'string' },
  secret: { type: 'string', multiple: true },
} as const

const WAIT_SECONDS = 25

/**
 * Throws unless all messages of a page verify. They are signed when the page is read, and believed for some minutes alone, so
 * that it is called before the first one is handed on.
 */
export type Check = (page: MessagePage) => void

/** @returns undefined where there is no secret to verify with. */
export function checkOf(given: readonly string[] | undefined, io: CliIo): Check | undefined {
  const secrets = given ?? [io.env['WEBHOOK_SECRET'] ?? ''].filter((secret) => secret !== '')
  if (secrets.length === 0) return undefined
  const verifier = createVerifier({ secrets })
  return ({ messages }) => {
    for (const { sequence, id, headers, body } of messages) {
      try {
        verifier.verify(body, headers)
      } catch (error) {
        if (!WebhookVerificationError.is(error)) throw error
        throw new Error(`message ${sequence} (${id}) does not verify: ${error.message}`)
      }
    }
  }
}

/** Reads a page, again and again where that may help. */
export async function readPatiently(
  client: EventsClient,
  query: PageQuery,
  io: CliIo,
): Promise<MessagePage | undefined> {
  for (let failures = 1; ; failures++) {
    try {
      return await client.read(query)
    } catch (error) {
      if (query.signal.aborted) return undefined
      if (!(error instanceof EventsApiError) || !error.isPassing) throw error
      const delayMs = Math.max(error.retryAfterMs ?? 0, backoffMs(failures))
      io.writeError(`${error.message}; again in ${delayMs / 1_000} s\n`)
      await pause(delayMs, query.signal)
      if (query.signal.aborted) return undefined
    }
  }
}

/** Prints the messages of an endpoint, one a line; 0 when it has printed all that it was to. */
export async function pull(args: readonly string[], io: CliIo): Promise<number> {
  const { values } = parseArgs({ args: [...args], options })
  const client = createEventsClient(values, io)
  const check = checkOf(values.secret, io)
  if (values.limit !== undefined && !/^[1-9]\d{0,8}$/.test(values.limit)) {
    throw new UsageError(`--limit must be a number of messages; got ${values.limit}`)
  }
  const place = await openPlace({ url: client.url, after: values.after, file: values.state }, io)
  const signal = interruption()
  let left = values.limit === undefined ? Number.POSITIVE_INFINITY : Number(values.limit)

  while (left > 0 && !signal.aborted) {
    const waitSeconds = values.follow ? WAIT_SECONDS : 0
    const query = { after: place.after, limit: Math.min(left, MAX_PAGE), waitSeconds, signal }
    const page = values.follow ? await readPatiently(client, query, io) : await readOnce(client, query)
    if (!page) break
    check?.(page)
    let printed = 0
    try {
      for (const message of page.messages) {
        if (signal.aborted) break
        await io.print(`${JSON.stringify(message)}\n`)
        printed += 1
        left -= 1
      }
    } catch (error) {
      // Whoever reads the output wants no more: the place stays in front of what was not taken.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      return 0
    } finally {
      await place.move(cursorAfter(page, printed))
    }
    if (!page.hasMore && !values.follow) break
  }
  return 0
}

async function readOnce(client: EventsClient, query: PageQuery): Promise<MessagePage | undefined> {
  try {
    return await client.read(query)
  } catch (error) {
    if (query.signal.aborted) return undefined
    throw error
  }
}

/** What comes after so many messages of a page. */
export function cursorAfter({ messages, cursor }: MessagePage, handled: number): string {
  const next = messages[handled]
  return next ? String((messages[handled - 1] ?? { sequence: next.sequence - 1 }).sequence) : cursor
}
