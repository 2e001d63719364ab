/** Where the text of a stream goes. */
export interface SseSink {
  /**
   * Hands on text.
   *
   * @returns false when the client has not taken what it was given: wait for {@link SseSink.drained}.
   */
  write(text: string): boolean
  /** Resolves when the client has taken everything, or is gone. */
  drained(): Promise<void>
  /** Ends the stream in good order. */
  end(): void
  /** Breaks the connection off. */
  cut(): void
  /** Aborted once the client is gone, or the stream was ended. */
  readonly closed: AbortSignal
}

/** What makes intermediaries hand on each event as it comes, and nobody keep any of them. */
export const SSE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'content-type': 'text/event-stream; charset=utf-8',
  // Compression would gather events; `no-transform` is what keeps middleware and proxies from it.
  'cache-control': 'no-store, no-transform',
  // nginx and those who copied it.
  'x-accel-buffering': 'no',
})
