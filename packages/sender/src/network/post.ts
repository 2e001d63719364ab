import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { type AttemptError, attemptErrorOf } from './attempt-error.ts'

/** What an attempt was answered with, if anything. */
export interface PostOutcome {
  /** Absent when no answer came. */
  readonly status: number | undefined
  /** Absent when the whole answer came, or as much of it as is read. */
  readonly error: AttemptError | undefined
  readonly retryAfter: string | undefined
  /** The first bytes of the answer's body. */
  readonly snippet: string | undefined
}

/** A request under way. */
export interface PostUnderWay {
  /** Ends it with an error; nothing when it has ended already. */
  giveUp(error: AttemptError): void
}

const MAX_BODY_BYTES = 64 * 1024
const SNIPPET_BYTES = 4 * 1024

/**
 * Makes one POST. Written as undici's own handler, since a promise and a stream for each request would
 * cost as much as the request.
 */
export class Post implements Dispatcher.DispatchHandler, PostUnderWay {
  readonly #done: (outcome: PostOutcome) => void
  #controller: Dispatcher.DispatchController | undefined
  #ended = false
  #status: number | undefined
  #retryAfter: string | undefined
  #chunks: Buffer[] | undefined
  #bytes = 0

  /** @param done - called once, whatever happens. */
  constructor(done: (outcome: PostOutcome) => void) {
    this.#done = done
  }

  giveUp(error: AttemptError): void {
    if (this.#ended) return
    this.#end(error)
    this.#controller?.abort(new Error(error.message))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended) controller.abort(new Error('The attempt was given up before it was sent.'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx is a sign of life, not an answer.
    if (status < 200) return
    this.#status = status
    const retryAfter = headers['retry-after']
    if (typeof retryAfter === 'string') this.#retryAfter = retryAfter
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return
    if (this.#bytes < SNIPPET_BYTES) {
      this.#chunks ??= []
      this.#chunks.push(chunk.length > SNIPPET_BYTES ? chunk.subarray(0, SNIPPET_BYTES) : chunk)
    }
    this.#bytes += chunk.length
    if (this.#bytes > MAX_BODY_BYTES) {
      // The status has said everything; nobody needs the rest.
      this.#end(undefined)
      controller.abort(new Error('The answer is longer than is read.'))
    }
  }

  onResponseEnd(): void {
    this.#end(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(attemptErrorOf(error))
  }

  #end(error: AttemptError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#done({
      status: this.#status,
      error,
      retryAfter: this.#retryAfter,
      snippet: this.#chunks && snippetOf(Buffer.concat(this.#chunks)),
    })
  }
}

/** Text that any database stores, cut without half a character at its end. */
function snippetOf(bytes: Buffer): string {
  const text = bytes.subarray(0, SNIPPET_BYTES).toString('utf8').replaceAll('\0', '\ufffd')
  return bytes.length >= SNIPPET_BYTES ? text.replace(/\ufffd$/, '') : text
}
