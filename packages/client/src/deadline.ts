import type { Clock } from '@x/events-core'
import { SyncClientError } from './errors.ts'

/** What ends a piece of work before it is done. */
export interface Deadline {
  readonly clock: Clock
  readonly requestTimeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Does a piece of work, but not for longer than allowed. The end does not depend on the work's
 * listening to its signal, since a caller's own `fetch` may not.
 *
 * @throws {@link SyncClientError} `timeout`; the reason of `signal`; or what the work threw.
 */
export async function withDeadline<TResult>(
  { clock, requestTimeoutMs, signal }: Deadline,
  work: (signal: AbortSignal) => Promise<TResult>,
): Promise<TResult> {
  signal.throwIfAborted()
  const controller = new AbortController()
  let release = () => {}
  const ended = new Promise<never>((_, reject) => {
    const cancelled = () => reject(signal.reason)
    const cancelTimer = clock.schedule(() => {
      const message = `The sync API did not answer within requestTimeoutMs (${requestTimeoutMs}); raise it if the server is slow`
      reject(new SyncClientError('timeout', message))
    }, requestTimeoutMs)
    signal.addEventListener('abort', cancelled)
    release = () => {
      cancelTimer()
      signal.removeEventListener('abort', cancelled)
    }
  })
  try {
    return await Promise.race([work(controller.signal), ended])
  } catch (error) {
    // Also after a refusal: nobody will read the rest of its body, so the connection can go.
    controller.abort(error)
    throw error
  } finally {
    release()
  }
}
