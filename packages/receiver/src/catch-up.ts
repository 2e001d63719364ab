import { type Assertion, type Clock, type FieldNames, isPlainObject } from '@x/events-core'
import { WebhookVerificationError } from '@x/signature'
import { assertFields, assertFunction, createArgumentAssertion } from './assert.ts'
import { ReceiverError } from './errors.ts'
import { type MessagePage, messagesUrlOf, type PulledMessage, pageOf, problemOf } from './events-page.ts'
import type { ReceiverResponse } from './problem.ts'
import { readRequestBody } from './read-body.ts'
import type { ReceiverInput } from './receiver-input.ts'
import type { SequenceTracker } from './sequence-tracker.ts'

/** Where to fetch what is missing: the sender's events API. */
export interface CatchUpSource {
  /** Of the endpoint's messages, `https://example.com/events/endpoints/ep_.../messages`; or of the API, with `endpoint`. */
  readonly url: string
  /** The endpoint's key, `whk_...`. */
  readonly key: string
  /** The endpoint's id, where `url` does not name it. */
  readonly endpoint?: string | undefined
}

const SOURCE_NAMES: FieldNames<CatchUpSource> = { url: true, key: true, endpoint: true }

/** Asserts that something tells where to fetch from. */
export function assertSource(assert: Assertion, name: string, source: CatchUpSource): void {
  const expected = 'a function, or { url, key } with the address of an events API'
  // A text may be the key.
  assert(isPlainObject(source), name, expected, typeof source)
  const { url, key, endpoint } = assert.fields(name, source, SOURCE_NAMES)
  const isAddress = typeof url === 'string' && /^https?:$/.test(URL.parse(url)?.protocol ?? '')
  assert(isAddress && typeof key === 'string', name, expected, source)
  assert(endpoint === undefined || typeof endpoint === 'string', `${name}.endpoint`, 'a text', endpoint)
}

/** The source for one endpoint; undefined where it names another. */
export function sourceFor({ url, key, endpoint }: CatchUpSource, wanted: string): CatchUpSource | undefined {
  const target = messagesUrlOf(url, endpoint) ?? messagesUrlOf(url, wanted)
  return target?.endpoint === wanted ? { url: target.url.href, key } : undefined
}

/** Options of `receiver.catchUp`. */
export interface CatchUpOptions extends CatchUpSource {
  /** Ends it between two messages. */
  readonly signal?: AbortSignal | undefined
  /**
   * What requests are made with.
   *
   * @defaultValue the global `fetch`
   */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** What `receiver.catchUp` has done. */
export interface CaughtUp {
  readonly endpoint: string
  /** Messages that were fetched and handled, or found to be handled already. */
  readonly received: number
  /** All up to this number was handled, or is lost. */
  readonly sequence: number
}

/** What {@link createCatchUp} works with. */
export interface CatchUpParts {
  readonly tracker: SequenceTracker
  /** One that is not set back. */
  readonly clock: Clock
  /** How old a signature may be. */
  readonly toleranceSeconds: number
  receive(input: ReceiverInput): Promise<ReceiverResponse>
}

const OPTION_NAMES: FieldNames<CatchUpOptions> = { ...SOURCE_NAMES, signal: true, fetch: true }
const assertOption: Assertion = createArgumentAssertion('receiver.catchUp')

const LIMIT = 250
const MAX_WAITS = 10
const MAX_WAIT_MS = 60_000
const REQUEST_TIMEOUT_MS = 60_000
/** A page's messages were signed when it was read, and are believed for some minutes alone. */
const MAX_PAGE_AGE_MS = 60_000
/** Of one page: 250 messages, of which few are as long as a sender allows. */
const MAX_PAGE_BYTES = 128 * 1024 * 1024

const failed = (what: string, cause?: unknown) =>
  new ReceiverError('catch_up_failed', `receiver.catchUp: ${what}`, { cause })

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw failed('it was aborted', signal.reason)
}

/** Creates what fetches the messages that are missing, and has them handled as any other. One runs for each endpoint at a time. */
export function createCatchUp({ tracker, clock, toleranceSeconds, receive }: CatchUpParts) {
  const running = new Map<string, Promise<CaughtUp>>()
  /** What runs once that has ended. */
  const waiting = new Map<string, Promise<CaughtUp>>()
  const maxPageAgeMs = Math.min(MAX_PAGE_AGE_MS, (toleranceSeconds * 1_000) / 2)

  /** @returns undefined where the messages after the number are gone; then what is left begins at `first`. */
  async function read(
    url: URL,
    after: number,
    { key, signal, fetch: send = fetch }: CatchUpOptions,
  ): Promise<{ readonly page: MessagePage; readonly askedAt: number } | { readonly first: number }> {
    const target = new URL(url)
    target.searchParams.set('after', String(after))
    target.searchParams.set('limit', String(LIMIT))
    for (let waits = 0; ; waits++) {
      const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
      let response: Response
      let text: string
      const askedAt = clock.now()
      try {
        response = await send(target, {
          headers: { authorization: `Bearer ${key}`, accept: 'application/json' },
          signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
          redirect: 'manual',
        })
        text = new TextDecoder().decode(await readRequestBody(response, MAX_PAGE_BYTES))
      } catch (error) {
        throwIfAborted(signal)
        if (WebhookVerificationError.is(error) && error.code === 'body_too_large')
          throw failed(`${url.origin} answered with more than ${MAX_PAGE_BYTES} bytes`, error)
        throw failed(`${url.origin} did not answer`, error)
      }
      const { status, headers } = response
      if (status === 200) {
        const page = pageOf(text)
        if (page) return { page, askedAt }
        throw failed(`${url.origin} answered with something else than messages; is it the right url?`)
      }
      const { code, detail, first } = problemOf(text)
      if (status === 410 && code === 'gone' && Number.isSafeInteger(first)) return { first: first as number }
      const isBusy = status === 429 || (status === 503 && headers.has('retry-after'))
      if (!isBusy || waits === MAX_WAITS) {
        const why = typeof detail === 'string' ? `: ${detail}` : ''
        throw failed(`${url.origin} answered ${status}${why}`)
      }
      const seconds = Number(headers.get('retry-after') ?? 1)
      const delayMs = Math.min(MAX_WAIT_MS, Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : 1_000)
      await wait(delayMs, signal)
    }
  }

  async function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal)
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(ended, delayMs)
      function ended(): void {
        cancel()
        signal?.removeEventListener('abort', ended)
        resolve()
      }
      signal?.addEventListener('abort', ended)
    })
    throwIfAborted(signal)
  }

  async function receiveOne(url: URL, { headers, body, sequence, id }: PulledMessage): Promise<void> {
    const { status, body: answer } = await receive({ method: 'POST', headers, body, url: url.href })
    if (status >= 300) {
      const { detail } = problemOf(answer)
      throw failed(`message ${sequence} (${id}) was answered with ${status}: ${String(detail)}`)
    }
  }

  async function run(url: URL, endpoint: string, options: CatchUpOptions): Promise<CaughtUp> {
    let received = 0
    let after = (await tracker.place(endpoint)).sequence
    for (;;) {
      const found = await read(url, after, options)
      if ('first' in found) {
        if (found.first <= after + 1)
          throw failed(`${url.origin} has nothing after ${after}, and says no more`)
        await tracker.giveUp(endpoint, found.first - 1)
        after = found.first - 1
        continue
      }
      const { messages, cursor, hasMore } = found.page
      let next = after + 1
      let isLeft = false
      for (const message of messages) {
        throwIfAborted(options.signal)
        // Whatever its age, each page gets one message further.
        isLeft = next > after + 1 && clock.now() - found.askedAt > maxPageAgeMs
        if (isLeft) break
        if (message.sequence < next)
          throw failed(`${url.origin} gives message ${message.sequence} after ${next - 1}`)
        const isKnown = await tracker.has(endpoint, message.sequence)
        if (!isKnown) checkLink(endpoint, message)
        // What the sender leaves out it does not give away.
        if (message.sequence > next) await tracker.giveUp(endpoint, message.sequence - 1)
        next = message.sequence + 1
        // Handled, though others before it were not.
        if (isKnown) continue
        await receiveOne(url, message)
        received += 1
      }
      if (isLeft) {
        after = next - 1
        continue
      }
      // Nor those behind the last message, or on a page without any.
      const last = Math.max(next - 1, Number(cursor))
      if (last >= next) await tracker.giveUp(endpoint, last)
      if (!hasMore) return { endpoint, received, sequence: (await tracker.place(endpoint)).sequence }
      if (last <= after) throw failed(`${url.origin} gives the same messages again after ${after}`)
      after = last
    }
  }

  return async function catchUp(options: CatchUpOptions): Promise<CaughtUp> {
    assertFields(assertOption, options, OPTION_NAMES)
    const { url: given, endpoint: named, key, signal } = options
    const isKey = typeof key === 'string' && /^[\x21-\x7e]+$/.test(key)
    // A wrong key may be most of a right one, so that the message does not repeat it.
    assertOption(isKey, 'key', "the endpoint's key, whk_...", typeof key)
    assertOption(named === undefined || typeof named === 'string', 'endpoint', 'a text', named)
    if (signal !== undefined) {
      assertOption.methods('signal', signal, ['addEventListener', 'removeEventListener'])
    }
    assertFunction(assertOption, 'fetch', options.fetch)
    const target = typeof given === 'string' ? messagesUrlOf(given, named) : undefined
    const expected = 'http(s) and end in /endpoints/<id>/messages, or be given with endpoint'
    assertOption(target !== undefined, 'url', expected, given)
    const { url, endpoint } = target
    const begin = () => {
      waiting.delete(endpoint)
      const current = run(url, endpoint, options).finally(() => running.delete(endpoint))
      running.set(endpoint, current)
      return current
    }
    const next = waiting.get(endpoint)
    if (next) return next
    const before = running.get(endpoint)
    if (!before) return begin()
    // It may have read its last page before that was sent which this call is about.
    const own = before.then(begin, begin)
    waiting.set(endpoint, own)
    return own
  }
}

/** The page is its server's word alone; these headers are signed, and are verified when the message is received. */
function checkLink(endpoint: string, { headers, sequence, id }: PulledMessage): void {
  const signed = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  if (signed.get('webhook-endpoint') === endpoint && signed.get('webhook-sequence') === String(sequence))
    return
  throw failed(`message ${sequence} (${id}) is not signed as number ${sequence} of ${endpoint}`)
}
