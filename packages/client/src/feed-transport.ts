import type { Cursor } from './cursor.ts'
import { asSyncClientError, SyncClientError } from './errors.ts'
import type { StreamMessage } from './event-stream-parser.ts'
import { fullJitter } from './full-jitter.ts'
import type { SyncClientSettings } from './options.ts'
import { parseDate, parseEvent, parseObject } from './parse-sync.ts'
import { createPollingTransport } from './polling-transport.ts'
import { readStream } from './read-stream.ts'
import type { FeedTransport, SyncTransportSink } from './transport.ts'

/** A wait. Fixed ones come from the server. */
interface Rest {
  readonly waitMs: number
  readonly isFixed: boolean
}

/** After so many failures in a row, the client polls until a stream can be opened. */
const STREAM_TRIES = 3
/** A server may ask for no pause at all, and end each stream at once. */
const SHORTEST_RETRY_BASE_MS = 100
/** Statuses that say that the server has no stream, and not that it has failed. */
const NO_STREAM = /invalid_response|40[456]|501/

/** Creates a transport that follows the stream. Where none can be opened, it polls, and tries to open one at intervals. */
export function createFeedTransport(
  settings: SyncClientSettings,
  cursor: Cursor,
  sink: SyncTransportSink,
): FeedTransport {
  const { clock, transport, streamRetryMs } = settings
  const polling = createPollingTransport(settings, cursor, {
    ...sink,
    connecting() {
      if (!isStreaming) sink.connecting()
    },
    connected(mode) {
      if (!isStreaming) sink.connected(mode)
    },
    failed: (error, retryInMs) => sink.failed(error, isStreaming ? undefined : retryInMs),
  })
  let controller = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let isStreaming = false
  let isPolling = false
  let retryBaseMs: number | undefined
  /** Ends a wait, or checks whether the stream has fallen silent. */
  let wake = () => {}
  let stopWaking = () => {}

  function pass({ event, data, id }: StreamMessage, synced: () => void): void {
    try {
      if (event === 'message' && data !== '') {
        const received = parseEvent(parseObject(data), 'event')
        if (cursor.seen.add(received.id)) sink.event(received)
        cursor.seen.trim(1)
      } else if (event === 'synced') {
        const date = parseDate(parseObject(data)['syncDate'], 'syncDate')
        cursor.lastSyncDate = date
        cursor.streamSince = date
      }
    } catch (error) {
      // A repetition would fail the same way, so the stream continues after it.
      sink.failed(error as SyncClientError, undefined)
    }
    // The event was passed on, even where a listener has stopped the client.
    if (id !== undefined) cursor.position = id
    sink.moved()
    if (event === 'synced') synced()
  }

  function stream(signal: AbortSignal, synced: () => void): Promise<void> {
    return readStream(settings, cursor, signal, {
      message: (message) => pass(message, synced),
      retry(retryMs) {
        retryBaseMs = Math.max(retryMs, SHORTEST_RETRY_BASE_MS)
      },
      opened(look) {
        wake = look
      },
    }).catch((thrown: unknown) => {
      const error = asSyncClientError(thrown)
      // Polls heed what the server has asked for in answer to a stream.
      polling.leaveAlone(error.retryAfterMs)
      throw error
    })
  }

  function sleep({ waitMs, isFixed }: Rest, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = clock.schedule(done, waitMs)
      signal.addEventListener('abort', done)
      wake = isFixed ? () => {} : done
    })
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      let wasLive = false
      let error: SyncClientError | undefined
      try {
        if (!isPolling) sink.connecting()
        await stream(signal, () => {
          wasLive = true
          isStreaming = true
          failures = 0
          if (isPolling) void polling.stop()
          isPolling = false
          sink.connected('live')
        })
      } catch (thrown) {
        error = thrown as SyncClientError
      }
      if (signal.aborted) return
      isStreaming = false
      failures += 1
      // A server that stops ends its streams in order after the last event.
      if (!wasLive) error ??= new SyncClientError('invalid_response', 'The response is no event stream')
      await sleep(rest(error, failures), signal)
    }
  }

  /** Reports a failure. @returns how long to wait. */
  function rest(error: SyncClientError | undefined, failures: number): Rest {
    const { retryMaxMs } = settings
    const bounds = { retryBaseMs: Math.min(retryBaseMs ?? settings.retryBaseMs, retryMaxMs), retryMaxMs }
    const retryAfterMs = error?.retryAfterMs ?? 0
    const hasNone = NO_STREAM.test(`${error?.code}${error?.httpStatus}`)
    const mustPoll = isPolling || failures >= STREAM_TRIES || hasNone
    const waitMs = Math.max(
      mustPoll ? streamRetryMs * (0.5 + Math.random()) : fullJitter(failures, bounds),
      retryAfterMs,
    )
    if (error) sink.failed(error, isPolling ? undefined : waitMs)
    else sink.connecting()
    if (mustPoll && !isPolling) {
      isPolling = true
      polling.start()
    }
    return { waitMs, isFixed: retryAfterMs > 0 }
  }

  return {
    start() {
      if (transport === 'polling') polling.start()
      else {
        stopWaking = whenAwake(() => wake())
        running = follow(controller.signal)
      }
    },
    async stop() {
      isStreaming = false
      isPolling = false
      stopWaking()
      controller.abort()
      controller = new AbortController()
      await Promise.all([polling.stop(), running])
    },
    poll: () => polling.poll(),
    stream,
  }
}

const NAMES = ['online', 'pageshow', 'visibilitychange']

/**
 * Calls back when a retry is worthwhile: a browser is online again, or its page is shown again. Elsewhere it never does.
 *
 * @returns a function that ends it.
 */
function whenAwake(callback: () => void): () => void {
  for (const name of NAMES) globalThis.addEventListener?.(name, callback)
  return () => {
    for (const name of NAMES) globalThis.removeEventListener?.(name, callback)
  }
}
