import type { IncomingHttpHeaders } from 'node:http'
import zlib from 'node:zlib'
import type { Dispatcher } from 'undici'
import { isOfUsedConnection } from './connector.ts'
import { type AttemptError, attemptErrorOf, SWITCHED_PROTOCOLS } from './errors.ts'

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

// Imported by name, what older versions of Node.js lack would keep them from saying that they are too old.
const { brotliDecompressSync, constants, gunzipSync, inflateSync, zstdDecompressSync } = zlib

/** As much of an answer's body as is kept. */
export const SNIPPET_BYTES = 4 * 1024

const MAX_DECODED_BYTES = 64 * 1024
const LEAST_INPUT_BYTES = 64
/** 8 MB, which is what every decoder should understand (RFC 8878, 3.1.1.1.2). */
const ZSTD_WINDOW_LOG = 23

type Decode = (bytes: Buffer, maxOutputLength: number) => Buffer

// What is there is decoded, although the end is missing.
const gunzip: Decode = (bytes, maxOutputLength) =>
  gunzipSync(bytes, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH })
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: (bytes, maxOutputLength) =>
    inflateSync(bytes, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }),
  br: (bytes, maxOutputLength) =>
    brotliDecompressSync(bytes, { maxOutputLength, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes, maxOutputLength) =>
    zstdDecompressSync(bytes, {
      maxOutputLength,
      finishFlush: constants.ZSTD_e_flush,
      // What is decoded takes so much memory at once as its beginning says: 2 ** 27 bytes, unless told otherwise.
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
    }),
}

/**
 * The beginning of an answer as text that any database stores, cut without half a character at its end.
 *
 * @param bytes - the first of the body, as they came.
 * @param encoding - the `content-encoding`, if there was one. What cannot be decoded is shown as it came.
 */
export function snippetOf(bytes: Buffer, encoding: string | undefined): string {
  const decode = encoding === undefined ? undefined : DECODERS[encoding.trim().toLowerCase()]
  const body = decode ? decoded(bytes, decode) : bytes
  const text = body.subarray(0, SNIPPET_BYTES).toString('utf8').replaceAll('\0', '\ufffd')
  return body.length >= SNIPPET_BYTES ? text.replace(/\ufffd$/, '') : text
}

/** What would become more than is kept by far is decoded from fewer bytes: a bomb does not go off. */
function decoded(bytes: Buffer, decode: Decode): Buffer {
  for (let input = bytes; input.length >= LEAST_INPUT_BYTES || input === bytes; ) {
    try {
      return decode(input, MAX_DECODED_BYTES)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') break
      input = input.subarray(0, input.length >> 1)
    }
  }
  return bytes
}
