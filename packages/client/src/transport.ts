import type { SyncEvent } from '@x/events-core'
import type { SyncClientError } from './errors.ts'

/** Receives events from the server. The client knows no more of it than this. */
export interface SyncTransport {
  /** Begins to follow the feed, and continues through failures until it is stopped. */
  start(): void
  /** Aborts the request under way. The sink is not called any more after this call. */
  stop(): Promise<void>
  /** Polls now, even when not started. @returns whether the server responded; never rejects. */
  poll(): Promise<boolean>
}

/** A transport that others are built on. */
export interface FeedTransport extends SyncTransport {
  /**
   * Reads one stream after the cursor.
   *
   * @param synced - called when the client has caught up.
   * @throws SyncClientError what ended the stream.
   */
  stream(signal: AbortSignal, synced: () => void): Promise<void>
}

/** How a client follows the feed: by a stream, or by polling. */
export type SyncMode = 'live' | 'polling'

/** Receives what a transport reports. */
export interface SyncTransportSink {
  connecting(): void
  connected(mode: SyncMode): void
  /** Called once for each event, in the server's order. */
  event(event: SyncEvent): void
  /** Called when the cursor has moved, after the events that it has moved beyond. */
  moved(): void
  /**
   * @param retryInMs - when the transport will retry by itself, if it was started; undefined for a failure that does not
   *   stop it.
   */
  failed(error: SyncClientError, retryInMs: number | undefined): void
}
