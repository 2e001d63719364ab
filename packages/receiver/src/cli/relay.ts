import type { PulledMessage } from '../events-page.ts'
import type { CliIo } from './cli-io.ts'
import { type EventsClient, MAX_PAGE } from './events-client.ts'
import { backoffMs, interruption, pause } from './interruption.ts'
import type { Place } from './place.ts'
import { type Check, cursorAfter, readPatiently } from './pull.ts'

/** What {@link relay} works with. */
export interface RelayParts {
  readonly client: EventsClient
  readonly place: Place
  /** Undefined to show messages alone. */
  readonly forwardTo: string | undefined
  /** Undefined to take them as they are. */
  readonly check: Check | undefined
  readonly io: CliIo
}

const WAIT_SECONDS = 25
const RESPONSE_MS = 30_000

/** Shows the messages of an endpoint as they come, and POSTs each to a server of one's own, until it is interrupted. */
export async function relay({ client, place, forwardTo, check, io }: RelayParts): Promise<void> {
  const signal = interruption()
  let failures = 0

  /** @returns whether to go on with the next one. */
  async function relayOne(message: PulledMessage): Promise<boolean> {
    if (failures === 0) io.write(`${shownOf(message)}\n`)
    if (forwardTo === undefined) return true
    const status = await post(message, forwardTo, signal)
    if (signal.aborted) return false
    if (typeof status === 'number' && status >= 200 && status < 300) {
      failures = 0
      io.write(`-> ${status} ${forwardTo}\n`)
      return true
    }
    failures += 1
    const delayMs = backoffMs(failures)
    io.write(`-> ${status} ${forwardTo}; again in ${delayMs / 1_000} s\n`)
    await pause(delayMs, signal)
    return false
  }

  while (!signal.aborted) {
    const query = { after: place.after, limit: MAX_PAGE, waitSeconds: WAIT_SECONDS, signal }
    const page = await readPatiently(client, query, io)
    if (!page) return
    check?.(page)
    let handled = 0
    for (const message of page.messages) {
      if (!(await relayOne(message))) break
      handled += 1
      await place.move(String(message.sequence))
    }
    // What failed is read again before it is repeated: a signature is believed for some minutes alone.
    await place.move(cursorAfter(page, handled))
  }
}

/** @returns the status, or why there is none. */
async function post(
  { headers, body }: PulledMessage,
  url: string,
  interrupted: AbortSignal,
): Promise<number | string> {
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(RESPONSE_MS)])
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: Buffer.from(body),
      redirect: 'manual',
      signal,
    })
    await response.body?.cancel()
    return response.status
  } catch (error) {
    const { message, cause } = error as Error
    return cause instanceof Error ? cause.message : message
  }
}

function shownOf({ sequence, id, body }: PulledMessage): string {
  const time = new Date().toISOString()
  return `${time} ${sequence} ${id} ${typeOf(body)}\n${body}`
}

/** Of any format, as far as its body says; CloudEvents may have it in a header. */
function typeOf(body: string): string {
  try {
    const { type } = Object(JSON.parse(body))
    return typeof type === 'string' ? type : ''
  } catch {
    return ''
  }
}
