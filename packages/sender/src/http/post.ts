import type { IncomingHttpHeaders } from 'node:http'
import zlib from 'node:zlib'
import type { SequenceLink } from '@x/signature'
import type { Dispatcher } from 'undici'
import type { Connection, ConnectionSlot, ConnectionUser } from './connection.ts'
import { isOfUsedConnection } from './connector.ts'
import { type AttemptError, attemptErrorOf, SWITCHED_PROTOCOLS } from './errors.ts'
import type { HttpPools, PoolTarget } from './pools.ts'

/** The response to a POST, or the error that it ended with. */
export interface PostOutcome {
  /** Absent when there was no response. */
  readonly status: number | undefined
  /** Absent when the response arrived in full, or as much of it as is read. */
  readonly error: AttemptError | undefined
  readonly retryAfter: string | undefined
  /** The beginning of the response body. */
  readonly snippet: string | undefined
  readonly exchange: Exchange
}

/** How a request and its response went over the wire. Times are of `performance.now()`. */
export interface Exchange {
  /** The one that it was sent on, or that was opened for it; undefined when there was none. */
  readonly connection: Connection | undefined
  /** Whether another request had opened the connection. */
  readonly isReused: boolean
  readonly sentAt: number | undefined
  readonly firstByteAt: number | undefined
  /** Of the response. */
  readonly headers: IncomingHttpHeaders | undefined
}

/** Of a request that is not sent. */
const NO_EXCHANGE: Exchange = Object.freeze({
  connection: undefined,
  isReused: false,
  sentAt: undefined,
  firstByteAt: undefined,
  headers: undefined,
})

/** The outcome of a request that is not sent. */
export function failedBy(error: AttemptError): PostOutcome {
  return { status: undefined, error, retryAfter: undefined, snippet: undefined, exchange: NO_EXCHANGE }
}

/** A request in flight. */
export interface PostUnderWay {
  /** Ends it with an error. Does nothing when it has ended already. */
  giveUp(error: AttemptError): void
}

const MAX_BODY_BYTES = 64 * 1024
const MAX_REPEATS = 3

/**
 * One POST. It is a handler of undici's, since a promise and a stream for each request would cost as much as the
 * request itself.
 */
export class Post implements Dispatcher.DispatchHandler, ConnectionUser, PostUnderWay {
  readonly #done: (outcome: PostOutcome) => void
  readonly #again: (() => void) | undefined
  #repeats = 0
  #slot: ConnectionSlot | undefined
  #connection: Connection | undefined
  #isReused = false
  #sentAt: number | undefined
  #firstByteAt: number | undefined
  #headers: IncomingHttpHeaders | undefined
  #controller: Dispatcher.DispatchController | undefined
  #ended = false
  #status: number | undefined
  #retryAfter: string | undefined
  #encoding: string | undefined
  #chunks: Buffer[] | undefined
  #bytes = 0

  /**
   * @param done - called once, whatever happens.
   * @param again - sends the same request once more. Called when a kept-alive connection turned out to be closed; the
   *   next connection may be as old, so it can be called several times.
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

  sentBy(slot: ConnectionSlot): void {
    this.#slot = slot
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#sentAt = performance.now()
    const connection = this.#slot?.connection
    this.#connection = connection
    if (connection) {
      this.#isReused = connection.isUsed
      connection.isUsed = true
    }
    if (this.#ended) controller.abort(new Error('The attempt was cancelled before it was sent.'))
  }

  onResponseStarted(): void {
    this.#firstByteAt = performance.now()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) {
      // Other interim responses are removed before undici parses them, see interim-responses.
      this.giveUp(SWITCHED_PROTOCOLS)
      return
    }
    this.#status = status
    this.#headers = headers
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
      // The status decides the outcome; the rest of the body is not needed.
      this.#end(undefined)
      controller.abort(new Error('The response body is longer than is read.'))
    }
  }

  onResponseEnd(): void {
    this.#end(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const again = this.#again
    const mayRepeat = !this.#ended && this.#firstByteAt === undefined && this.#repeats < MAX_REPEATS
    if (again && mayRepeat && isOfUsedConnection(error)) {
      this.#repeats += 1
      this.#controller = undefined
      this.#sentAt = undefined
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
      exchange: {
        connection: this.#sentAt === undefined ? this.#beingOpened : this.#connection,
        isReused: this.#isReused && this.#sentAt !== undefined,
        sentAt: this.#sentAt,
        firstByteAt: this.#firstByteAt,
        headers: this.#headers,
      },
    })
  }

  /** The connection that it waits for, or has waited for. */
  get #beingOpened(): Connection | undefined {
    const connection = this.#slot?.connection
    return connection?.isUsed ? undefined : connection
  }
}

// Named imports would fail to link on older versions of Node.js, before the check of the version reports them.
const { brotliDecompressSync, constants, gunzipSync, inflateSync, zstdDecompressSync } = zlib

/** How much of a response body is kept. */
export const SNIPPET_BYTES = 4 * 1024

const MAX_DECODED_BYTES = 64 * 1024
const LEAST_INPUT_BYTES = 64
/** 8 MB, which is what every decoder should understand (RFC 8878, 3.1.1.1.2). */
const ZSTD_WINDOW_LOG = 23

type Decode = (bytes: Buffer, maxOutputLength: number) => Buffer

// Decodes a truncated body as far as it goes.
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
      // The frame's header sets the size of the window: up to 2 ** 27 bytes by default.
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
    }),
}

/**
 * The beginning of a response body as text that any database stores, without half a character at its end.
 *
 * @param bytes - the first bytes of the body, as received.
 * @param encoding - the `content-encoding`, if there was one. A body that cannot be decoded is kept as received.
 */
export function snippetOf(bytes: Buffer, encoding: string | undefined): string {
  const decode = encoding === undefined ? undefined : DECODERS[encoding.trim().toLowerCase()]
  const body = decode ? decoded(bytes, decode) : bytes
  const text = body.subarray(0, SNIPPET_BYTES).toString('utf8').replaceAll('\0', '\ufffd')
  return body.length >= SNIPPET_BYTES ? text.replace(/\ufffd$/, '') : text
}

/** Decodes fewer bytes where the result would be much larger than is kept, so that a decompression bomb is harmless. */
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

/** Where a POST goes. */
export interface PostTarget extends PoolTarget {
  readonly path: string
}

/** What a POST carries. */
export interface PostContent {
  /** Name and value in turn, as undici takes them. */
  readonly headers: string[]
  readonly body: Buffer
}

/** A POST that was not sent yet, or is under way. */
export interface PreparedPost {
  /** The request, to give it up. */
  readonly post: Post
  /** Sends it. */
  send(): void
}

/**
 * Prepares a POST through the pool of its target. It is sent again by itself where a kept-alive connection turned out
 * to be closed.
 *
 * @param done - called once with the outcome.
 */
export function preparePost(
  pools: HttpPools,
  target: PostTarget,
  content: PostContent,
  done: (outcome: PostOutcome) => void,
): PreparedPost {
  const { headers, body } = content
  const send = () => {
    try {
      pools.of(target).dispatch({ path: target.path, method: 'POST', headers, body }, post)
    } catch (error) {
      post.giveUp(attemptErrorOf(error))
    }
  }
  const post = new Post(done, send)
  return { post, send }
}

/**
 * The headers by which a consumer knows the place of a numbered message, name and value in turn.
 *
 * @param signature - of the `sequenceContent`; left out where the request is only shown.
 */
export function sequenceHeaders(
  { endpoint, sequence, chain }: SequenceLink,
  signature: string | undefined,
): string[] {
  return [
    'webhook-endpoint',
    endpoint,
    'webhook-sequence',
    String(sequence),
    'webhook-chain',
    chain,
    ...(signature === undefined ? [] : ['webhook-sequence-signature', signature]),
  ]
}

const STANDARD_CONTENT: readonly string[] = ['content-type', 'application/json']

/**
 * The headers of every request, name and value in turn.
 *
 * @param ofMessage - the message's own headers, its content type first; null for `application/json`.
 */
export function requestHeaders(
  userAgent: string,
  eventId: string,
  timestamp: number,
  signature: string,
  ofMessage: readonly string[] | null,
): string[] {
  return [
    ...(ofMessage ?? STANDARD_CONTENT),
    'user-agent',
    userAgent,
    'webhook-id',
    eventId,
    'webhook-timestamp',
    String(timestamp),
    'webhook-signature',
    signature,
  ]
}
