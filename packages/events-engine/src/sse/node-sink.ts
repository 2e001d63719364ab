import type { ServerResponse } from 'node:http'
import { SSE_HEADERS, type SseSink } from './sse-sink.ts'

/** Begins the answer, and streams into it. */
export function nodeSink(response: ServerResponse): SseSink {
  const closing = new AbortController()
  response.on('close', () => closing.abort())
  // Gone while the host was finding out who asks.
  if (response.closed) closing.abort()
  // Whatever it is: the client is gone, and nobody to tell.
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
