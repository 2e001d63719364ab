import type { Clock, FieldNames } from '@x/events-core'
import type { IsAllowed } from '../deliver/permission.ts'
import { endpointOf } from '../endpoints/endpoint-of-row.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { type Signing, type SigningParts, signingOf, signMessage } from '../endpoints/signing.ts'
import { tenantOf } from '../endpoints/validate.ts'
import {
  assertArgument,
  endpointDisabled,
  endpointNotFound,
  MessagesGoneError,
  WebhookSenderError,
} from '../errors.ts'
import { isUniqueId } from '../ids.ts'
import type { SequencedMessage } from '../store/sequence.ts'
import type { MessageWatch } from './message-watch.ts'
import type { Messages, PulledMessage, PulledMessages, PullMessages } from './messages.ts'

/** What {@link createMessageReader} works with. */
export interface MessageReaderParts extends SigningParts {
  readonly clock: Clock
  readonly userAgent: string
  readonly watch: MessageWatch
  /** Undefined where everything may be read. */
  readonly isAllowed: IsAllowed | undefined
}

interface Page extends PulledMessages {
  /** Whether the cursor is behind the number that was asked for, with or without messages. */
  readonly hasMoved: boolean
}

const PULL: FieldNames<PullMessages> = {
  tenantId: true,
  after: true,
  limit: true,
  maxBytes: true,
  waitMs: true,
  signal: true,
}
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 250
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024
const MAX_WAIT_MS = 60_000
/** So many are read first, since as many as may be asked for can be much larger than what is given. */
const FIRST_PART = 16
const MAX_REMEMBERED = 1_000

/** Creates what reads the messages of a sender. */
export function createMessageReader(parts: MessageReaderParts): Messages {
  const { store, clock, userAgent, watch, isAllowed } = parts
  const signings = new Map<number, Signing>()

  async function find(id: string, tenantId: number | undefined): Promise<EndpointRow> {
    const row = isUniqueId('ep_', id) ? await store.findEndpoint(id) : undefined
    if (!row || (tenantId !== undefined && row.tenantId !== tenantId)) throw endpointNotFound(id)
    // One that was disabled because it failed gets here what it could not receive.
    const isClosed = row.disabledReason === 'manual' || row.disabledReason === 'unverified'
    if (!row.enabled && isClosed) throw endpointDisabled(id)
    return row
  }

  /** Worked out again where the endpoint has changed, or a secret has expired. */
  async function signingFor(endpoint: EndpointRow): Promise<Signing> {
    const known = signings.get(endpoint.key)
    if (known?.version === endpoint.version && clock.now() < known.validUntil) return known
    const secrets = await store.readSecrets(endpoint.key, clock.now())
    const signing = signingOf(endpoint, { secrets }, parts)
    signings.delete(endpoint.key)
    signings.set(endpoint.key, signing)
    const [oldest] = signings.keys()
    if (signings.size > MAX_REMEMBERED && oldest !== undefined) signings.delete(oldest)
    return signing
  }

  function readAfter({ id: endpointId, tenantId }: EndpointRow, after: number, limit: number) {
    return store.messagesAfter({ endpointId, tenantId, after, limit })
  }

  /** @returns the number to begin after. */
  async function beginningOf(endpoint: EndpointRow, after: number | 'latest' | undefined): Promise<number> {
    if (typeof after === 'number') return after
    if (after === 'latest') return (await store.lastNumbers([endpoint.key])).get(endpoint.key) ?? 0
    const { first = 1 } = await readAfter(endpoint, 0, 1)
    return first - 1
  }

  /** How many of these may be read, counted from the first, and which of them. */
  async function permitted(
    endpoint: EndpointRow,
    messages: readonly SequencedMessage[],
  ): Promise<{ readonly decided: number; readonly allowed: readonly SequencedMessage[] }> {
    if (!isAllowed) return { decided: messages.length, allowed: messages }
    const shownEndpoint = endpointOf(endpoint)
    const answers = await Promise.all(
      messages.map(({ eventId, body, headers }) =>
        isAllowed(shownEndpoint, { eventId, body: Buffer.from(body), headers }),
      ),
    )
    const unanswered = answers.indexOf(undefined)
    const decided = unanswered < 0 ? messages.length : unanswered
    return { decided, allowed: messages.slice(0, decided).filter((_, index) => answers[index] === true) }
  }

  function asPosted(signing: Signing, message: SequencedMessage): PulledMessage {
    const { eventId, sequence, chain, body, headers: ofMessage } = message
    const content = { eventId, body: Buffer.from(body), headers: ofMessage, link: { sequence, chain } }
    const { headers: list } = signMessage(userAgent, signing, content, clock.now())
    const headers: Record<string, string> = {}
    for (let index = 0; index < list.length; index += 2) {
      headers[(list[index] as string).toLowerCase()] = list[index + 1] as string
    }
    return { id: eventId, sequence, headers, body }
  }

  async function readPage(
    endpoint: EndpointRow,
    after: number,
    { limit, maxBytes }: { readonly limit: number; readonly maxBytes: number },
  ): Promise<Page> {
    const messages: PulledMessage[] = []
    let cursor = after
    let last = after
    let bytes = 0
    for (let isFull = false; !isFull; ) {
      const taken = cursor - after
      const fit = taken === 0 ? FIRST_PART : Math.ceil(((maxBytes - bytes) * taken) / bytes)
      const part = Math.min(fit, limit - taken)
      const read = await readAfter(endpoint, cursor, part)
      last = read.last
      if (taken === 0) {
        if (after > last) throw tooFar(after, last)
        if (read.first !== undefined) throw new MessagesGoneError(after, read.first)
      }
      const fitting = read.messages.filter(({ body }, index) => {
        bytes += Buffer.byteLength(body)
        return bytes <= maxBytes || (taken === 0 && index === 0)
      })
      const { decided, allowed } = await permitted(endpoint, fitting)
      const signing = allowed.length > 0 ? await signingFor(endpoint) : undefined
      if (signing) for (const one of allowed) messages.push(asPosted(signing, one))
      if (decided === 0 && fitting.length > 0 && taken === 0) throw notAllowedNow(endpoint.id)
      cursor = fitting[decided - 1]?.sequence ?? cursor
      isFull = decided < part || cursor - after >= limit || bytes >= maxBytes
    }
    return { messages, cursor, hasMore: last > cursor, hasMoved: cursor > after }
  }

  return {
    async pull(endpointId, options) {
      const query = assertArgument.fields('', options, PULL)
      const {
        after,
        limit = DEFAULT_LIMIT,
        maxBytes = DEFAULT_MAX_BYTES,
        waitMs = 0,
        signal,
        ...scope
      } = query
      const isSignal = signal === undefined || typeof Object(signal).addEventListener === 'function'
      assertArgument(isSignal, 'signal', 'an AbortSignal', signal)
      const tenantId = tenantOf(scope)
      const isNumber = Number.isSafeInteger(after) && (after as number) >= 0
      assertArgument(
        after === undefined || after === 'latest' || isNumber,
        'after',
        "the number of a message, 0, or 'latest'",
        after,
      )
      assertArgument(isIn(limit, 1, MAX_LIMIT), 'limit', `an integer from 1 to ${MAX_LIMIT}`, limit)
      assertArgument(
        isIn(maxBytes, 1, Number.MAX_SAFE_INTEGER),
        'maxBytes',
        'an integer of at least 1',
        maxBytes,
      )
      assertArgument(isIn(waitMs, 0, MAX_WAIT_MS), 'waitMs', `an integer from 0 to ${MAX_WAIT_MS}`, waitMs)

      let endpoint = await find(endpointId, tenantId)
      if (waitMs === 0)
        return resultOf(await readPage(endpoint, await beginningOf(endpoint, after), { limit, maxBytes }))
      const over = new AbortController()
      const end = () => over.abort()
      const timer = setTimeout(end, waitMs)
      signal?.addEventListener('abort', end)
      if (signal?.aborted) end()
      try {
        // Before anything is read: what is committed from now on is noticed.
        using watched = watch.watch(endpoint.key)
        const begin = await beginningOf(endpoint, after)
        for (;;) {
          const page = await readPage(endpoint, begin, { limit, maxBytes })
          if (page.hasMoved || !(await watched.next(begin, over.signal))) return resultOf(page)
          endpoint = await find(endpointId, tenantId)
        }
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
      }
    },
  }
}

function resultOf({ messages, cursor, hasMore }: Page): PulledMessages {
  return { messages, cursor, hasMore }
}

function isIn(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function tooFar(after: number, last: number): WebhookSenderError {
  return new WebhookSenderError(
    'invalid_argument',
    `after must be at most ${last}, the number of the newest message; got ${after}. It was another endpoint's, or messages were restored from a backup.`,
    { field: 'after' },
  )
}

function notAllowedNow(endpointId: string): WebhookSenderError {
  return new WebhookSenderError(
    'check_failed',
    `Whether the next message of the endpoint ${endpointId} may be read cannot be told now; try again later.`,
    { remedy: 'options.canReceive has failed, or did not answer within timeoutMs.' },
  )
}
