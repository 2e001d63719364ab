import { EventsError } from '@x/events-core'

/**
 * Why a {@link SyncClientError} came to be. Thrown where the mistake is made: `invalid_option`,
 * `invalid_argument`, `endless_loop` (listeners that call each other without end). Reported while the client works: `request_failed` (no response), `timeout`,
 * `http_status` (a status other than 2xx), `invalid_response` (not a response of the sync API),
 * `listener_failed` (`cause` is what the listener threw).
 */
export type SyncClientErrorCode =
  | 'invalid_option'
  | 'invalid_argument'
  | 'endless_loop'
  | 'request_failed'
  | 'timeout'
  | 'http_status'
  | 'invalid_response'
  | 'listener_failed'

/** The details of a {@link SyncClientError} besides its message. */
export interface SyncClientErrorOptions {
  readonly cause?: unknown
  readonly httpStatus?: number | undefined
  readonly retryAfterMs?: number | undefined
}

/**
 * A failure of the sync feed; `code` is meant for programs.
 *
 * @example
 * ```ts
 * import { createSyncClient } from '@x/client'
 *
 * const client = createSyncClient({ url: 'https://www.example.com/api/Sync' })
 * client.on('error', (error) => {
 *   if (error.code === 'http_status' && error.httpStatus === 401) location.assign('/login')
 * })
 * ```
 */
export class SyncClientError extends EventsError<SyncClientErrorCode> {
  static override readonly errorName = 'SyncClientError'

  /** The status of the answer; with the code `http_status` only. */
  readonly httpStatus: number | undefined
  /** How long the server asked to be left alone, if it did. */
  readonly retryAfterMs: number | undefined

  constructor(code: SyncClientErrorCode, message: string, options: SyncClientErrorOptions = {}) {
    super(code, message, 'cause' in options ? options : undefined)
    this.httpStatus = options.httpStatus
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The text of what was thrown, which may be anything: also something that has no text, or refuses to be read. */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown)
  } catch {
    return 'it has no text'
  }
}

/** What was thrown where only {@link SyncClientError}s should be. */
export function asSyncClientError(thrown: unknown): SyncClientError {
  if (SyncClientError.is(thrown)) return thrown
  const message = `The sync API could not be reached: ${thrownText(thrown)}`
  return new SyncClientError('request_failed', message, { cause: thrown })
}
