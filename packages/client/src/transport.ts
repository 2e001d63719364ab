import type { SyncEvent } from '@x/events-core'
import type { SyncClientError } from './errors.ts'

/**
 * A way to hear from the server. The client knows no more of it than this, so that another one can
 * take the place of polling without a change for those who use the client.
 */
export interface SyncTransport {
  /** Begins to follow the feed, and goes on until stopped, whatever fails. */
  start(): void
  /** Breaks off what is under way; the sink hears nothing after this call. */
  stop(): Promise<void>
  /** Asks now, whether started or not. @returns whether the server answered; never rejects. */
  poll(): Promise<boolean>
}

/** Where a transport reports. */
export interface SyncTransportSink {
  connecting(): void
  connected(): void
  /** Called once for each event, in the server's order. */
  event(event: SyncEvent): void
  /** @param retryInMs - when the transport will try again by itself, if it was started. */
  failed(error: SyncClientError, retryInMs: number): void
}
