import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { type AttemptError, attemptErrorOf, SWITCHED_PROTOCOLS } from './errors.ts'
import { SNIPPET_BYTES, snippetOf } from './snippet.ts'
import { isOfUsedConnection } from './stale-connection.ts'

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
const MAX_REPEATS = 3

/**
 * Makes one POST. Written as undici's own handler, since a promise and a stream for each request would
 * cost as much as the request.
 */
export class Post implements Dispatcher.DispatchHandler, PostUnderWay {
  readonly #done: (outcome: PostOutcome) => void
  readonly #again: (() => void) | undefined
  #repeats = 0
  #answering = false
  #controller: Dispatcher.DispatchController | undefined
  #ended = false
  #status: number | undefined
  #retryAfter: string | undefined
  #encoding: string | undefined
  #chunks: Buffer[] | undefined
  #bytes = 0

  /**
   * @param done - called once, whatever happens.
   * @param again - sends the same once more: called when the connection was one that had been answered on before,
   *   and turned out to be closed. Another one may do, or may be as old.
   */
  constructor(done: (outcome: PostOutcome) => void, again?: () => void) {
    this.#done = done
    this.#again = again
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

  onResponseStarted(): void {
    this.#answering = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) {
      // All others are left out before they are parsed, see interim-responses.
      this.giveUp(SWITCHED_PROTOCOLS)
      return
    }
    this.#status = status
    const retryAfter = headers['retry-after']
    if (typeof retryAfter === 'string') this.#retryAfter = retryAfter
    const encoding = headers['content-encoding']
    if (typeof encoding === 'string') this.#encoding = encoding
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
    const again = this.#again
    const mayRepeat = !this.#ended && !this.#answering && this.#repeats < MAX_REPEATS
    if (again && mayRepeat && isOfUsedConnection(error)) {
      this.#repeats += 1
      this.#controller = undefined
      again()
      return
    }
    this.#end(attemptErrorOf(error))
  }

  #end(error: AttemptError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#done({
      status: this.#status,
      error,
      retryAfter: this.#retryAfter,
      snippet: this.#chunks && snippetOf(Buffer.concat(this.#chunks), this.#encoding),
    })
  }
}
