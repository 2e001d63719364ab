import { formatSyncDate } from '@x/events-core'
import { breakable } from './breakable.ts'
import type { Cursor } from './cursor.ts'
import { SyncClientError } from './errors.ts'
import { createEventStreamParser, type StreamMessage } from './event-stream-parser.ts'
import type { SyncClientSettings } from './options.ts'
import { request } from './request.ts'

/** How often a stream is checked for silence. The time of day counts, since it goes on while the machine sleeps. */
const CHECK_MS = 5_000

/** Receives what a stream brings. */
export interface StreamReader {
  message(message: StreamMessage): void
  retry(retryMs: number): void
  /** @param checkSilence - checks at once whether the stream has fallen silent. */
  opened(checkSilence: () => void): void
}

/**
 * Opens a stream after the cursor and reads it to its end. A stream is given up that is silent for `silenceMs`, or does not
 * begin within `requestTimeoutMs`.
 *
 * @throws {@link SyncClientError}, the reason of `signal`, or the error that ended the stream.
 */
export function readStream(
  settings: SyncClientSettings,
  { position, streamSince }: Cursor,
  outer: AbortSignal,
  reader: StreamReader,
): Promise<void> {
  const { clock, site, requestTimeoutMs, silenceMs } = settings
  let cancelCheck = () => {}
  return breakable(outer, async (signal, breakOff) => {
    let receivedAt = clock.now()
    let silenceLimitMs = requestTimeoutMs

    function checkSilence(): void {
      cancelCheck()
      cancelCheck = clock.schedule(checkSilence, Math.min(CHECK_MS, silenceLimitMs))
      // Where the clock was set back, the silence is unknown: a new stream is better than a silent one.
      if (Math.abs(clock.now() - receivedAt) >= silenceLimitMs) {
        breakOff(new SyncClientError('timeout', `Silence for ${silenceLimitMs} ms`))
      }
    }
    checkSilence()
    reader.opened(checkSilence)

    const query = new URLSearchParams()
    if (site && site.siteId > 0) query.set('siteId', `${site.siteId}`)
    if (!position && streamSince) query.set('since', formatSyncDate(streamSince))
    const headers = { accept: 'text/event-stream', ...(position && { 'last-event-id': position }) }
    const response = await request(settings, `/stream?${query}`, headers, signal)
    const chunks = response.body?.getReader()
    if (!chunks || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new SyncClientError('invalid_response', 'The response is no event stream')
    }
    const parse = createEventStreamParser((message) => {
      // A listener has stopped the client: the position stays, so that the rest comes again after a restart.
      if (!signal.aborted) reader.message(message)
    }, reader.retry)
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await chunks.read()
      if (done) return
      receivedAt = clock.now()
      silenceLimitMs = silenceMs
      parse(decoder.decode(value, { stream: true }))
    }
  }).finally(() => cancelCheck())
}
