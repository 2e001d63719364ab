import { SSE_HEADERS, type SseSink } from './sse-sink.ts'

/** As much as may wait in an answer that its client does not read. */
const HIGH_WATER_BYTES = 64 * 1024

/** An answer as the Fetch standard has it, and what streams into it. */
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
