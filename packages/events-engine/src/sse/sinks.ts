import type { ServerResponse } from 'node:http'

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

/** Headers that keep intermediaries from buffering and storing events. */
const SSE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'content-type': 'text/event-stream; charset=utf-8',
  // Compression would gather events; `no-transform` is what keeps middleware and proxies from it.
  'cache-control': 'no-store, no-transform',
  // nginx and compatible proxies.
  'x-accel-buffering': 'no',
})

/** Begins the response, and streams into it. */
export function nodeSink(response: ServerResponse): SseSink {
  const closing = new AbortController()
  response.on('close', () => closing.abort())
  // The client may have gone while the host authorized it.
  if (response.closed) closing.abort()
  // The client is gone; there is no response left to report it in.
  response.on('error', () => closing.abort())
  const { socket } = response
  socket?.setNoDelay(true)
  // A quiet stream is not an idle connection.
  socket?.setTimeout(0)
  response.writeHead(200, SSE_HEADERS)
  response.flushHeaders()

  return {
    write: (text) => closing.signal.aborted || response.write(text),
    drained: () =>
      new Promise((resolve) => {
        if (closing.signal.aborted || !response.writableNeedDrain) return resolve()
        const done = () => {
          response.off('drain', done)
          closing.signal.removeEventListener('abort', done)
          resolve()
        }
        response.on('drain', done)
        closing.signal.addEventListener('abort', done)
      }),
    end() {
      response.end()
      closing.abort()
    },
    cut() {
      response.destroy()
      closing.abort()
    },
    closed: closing.signal,
  }
}

/** How many bytes may wait in a response that its client does not read. */
const HIGH_WATER_BYTES = 64 * 1024

/** Creates a response of the Fetch standard, and the sink that streams into it. */
export function webSink(signal: AbortSignal): { readonly sink: SseSink; readonly response: Response } {
  const closing = new AbortController()
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let wake = () => {}

  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      pull: () => wake(),
      cancel: () => close(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }),
  )
  const wantsMore = () => (controller?.desiredSize ?? 0) > 0

  function close(): void {
    closing.abort()
    wake()
  }

  function cut(): void {
    if (closing.signal.aborted) return
    controller?.error(new DOMException('The stream was cut off.', 'AbortError'))
    close()
  }

  if (signal.aborted) cut()
  else signal.addEventListener('abort', cut, { signal: closing.signal })

  return {
    response: new Response(body, { headers: SSE_HEADERS }),
    sink: {
      write(text) {
        if (closing.signal.aborted) return true
        controller?.enqueue(encoder.encode(text))
        return wantsMore()
      },
      async drained() {
        while (!closing.signal.aborted && !wantsMore()) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      },
      end() {
        if (closing.signal.aborted) return
        controller?.close()
        close()
      },
      cut,
      closed: closing.signal,
    },
  }
}
