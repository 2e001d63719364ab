import type { SyncEvent } from '@x/events-core'
import type { SyncClientError } from './errors.ts'

/** A way to hear from the server. The client knows no more of it than this. */
export interface SyncTransport {
  /** Begins to follow the feed, and goes on until stopped, whatever fails. */
  start(): void
  /** Breaks off what is under way; the sink hears nothing after this call. */
  stop(): Promise<void>
  /** Asks now, whether started or not. @returns whether the server answered; never rejects. */
  poll(): Promise<boolean>
}

/** A transport that others can be made of. */
export interface FeedTransport extends SyncTransport {
  /**
   * Reads one stream behind the cursor.
   *
   * @param synced - called when everything was told.
   * @throws what ended it.
   */
  stream(signal: AbortSignal, synced: () => void): Promise<void>
}

/** What a client is told by while it follows. */
export type SyncMode = 'live' | 'polling'

/** Where a transport reports. */
export interface SyncTransportSink {
  connecting(): void
  connected(mode: SyncMode): void
  /** Called once for each event, in the server's order. */
  event(event: SyncEvent): void
  /** Called when the cursor has moved, after the events that it has moved beyond. */
  moved(): void
  /**
   * @param retryInMs - when the transport will try again by itself, if it was started; undefined for
   *   what does not keep it from following.
   */
  failed(error: SyncClientError, retryInMs: number | undefined): void
}
