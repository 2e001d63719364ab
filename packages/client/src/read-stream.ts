import { formatSyncDate } from '@x/events-core'
import { breakable } from './breakable.ts'
import type { Cursor } from './cursor.ts'
import { SyncClientError } from './errors.ts'
import { createEventStreamParser, type StreamMessage } from './event-stream-parser.ts'
import type { SyncClientSettings } from './options.ts'
import { request } from './request.ts'

/** So often it is looked whether a stream still lives: by the time of day, which goes on while a machine sleeps. */
const LOOK_MS = 5_000

/** Who hears of a stream. */
export interface StreamReader {
  message(message: StreamMessage): void
  retry(retryMs: number): void
  /** @param look - looks at once whether the stream still lives. */
  opened(look: () => void): void
}

/**
 * Opens a stream behind the cursor and reads it to its end. It counts as dead when nothing comes for
 * `silenceMs`, or nothing at all for `requestTimeoutMs`.
 *
 * @throws {@link SyncClientError}, the reason of `signal`, or whatever broke it off.
 */
export function readStream(
  settings: SyncClientSettings,
  { position, lastSyncDate }: Cursor,
  outer: AbortSignal,
  reader: StreamReader,
): Promise<void> {
  const { clock, site, requestTimeoutMs, silenceMs } = settings
  let cancelLook = () => {}
  return breakable(outer, async (signal, breakOff) => {
    let heardAt = clock.now()
    let patienceMs = requestTimeoutMs

    function look(): void {
      cancelLook()
      cancelLook = clock.schedule(look, Math.min(LOOK_MS, patienceMs))
      // A clock that was set back tells nothing: better a new stream than one that is silent for long.
      if (Math.abs(clock.now() - heardAt) >= patienceMs) {
        breakOff(new SyncClientError('timeout', `Silence for ${patienceMs} ms`))
      }
    }
    look()
    reader.opened(look)

    const query = new URLSearchParams()
    if (site && site.siteId > 0) query.set('siteId', `${site.siteId}`)
    if (!position && lastSyncDate) query.set('since', formatSyncDate(lastSyncDate))
    const headers = { accept: 'text/event-stream', ...(position && { 'last-event-id': position }) }
    const answer = await request(settings, `/stream?${query}`, headers, signal)
    const chunks = answer.body?.getReader()
    if (!chunks || !answer.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new SyncClientError('invalid_answer', 'The answer is no event stream')
    }
    const parse = createEventStreamParser((message) => {
      // Stopped by a listener: the position stays, so that the rest comes again after a restart.
      if (!signal.aborted) reader.message(message)
    }, reader.retry)
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await chunks.read()
      if (done) return
      heardAt = clock.now()
      patienceMs = silenceMs
      parse(decoder.decode(value, { stream: true }))
    }
  }).finally(() => cancelLook())
}
