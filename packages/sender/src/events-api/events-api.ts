import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Assertion,
  type Clock,
  type FieldNames,
  type Logger,
  shown,
  silentLogger,
  systemClock,
} from '@x/events-core'
import { LOGGER_METHODS } from '@x/events-engine/internal'
import type { Endpoint, RateLimit } from '../endpoints/endpoint.ts'
import type { Endpoints } from '../endpoints/endpoints.ts'
import { createOptionAssertion } from '../errors.ts'
import type { Messages, PulledMessages } from '../messages/messages.ts'
import { answerNode } from './node-request.ts'
import { EventsApiProblem, notFound, problemOf, unavailable } from './problem.ts'
import { readQuery } from './read-query.ts'
import { createRequestLimits } from './request-limits.ts'

/** Options of {@link createEventsApi}. */
export interface EventsApiOptions {
  /** Whose endpoints' messages are read. */
  readonly sender: { readonly endpoints: Pick<Endpoints, 'findByKey'>; readonly messages: Messages }
  /**
   * Most requests of one key, 1 to 10000 in 1 to 86400 seconds. Each process counts for itself.
   * @defaultValue { limit: 100, perSeconds: 10 }
   */
  readonly rateLimit?: RateLimit | undefined
  /**
   * Most requests with invalid keys, of all clients together: each costs a query of the database. A key that was valid
   * before passes.
   * @defaultValue { limit: 1000, perSeconds: 60 }
   */
  readonly invalidKeyLimit?: RateLimit | undefined
  /**
   * Most requests that wait for messages at a time in this process.
   * @defaultValue 1000
   */
  readonly maxWaiting?: number | undefined
  /**
   * Most of them of one key.
   * @defaultValue 4
   */
  readonly maxWaitingPerKey?: number | undefined
  /**
   * Most bytes of a response: what does not fit comes with the next one. A single message is never cut.
   * @defaultValue 4194304
   */
  readonly maxResponseBytes?: number | undefined
  /**
   * Ends the requests that wait, which would otherwise hold up a server that closes.
   * @defaultValue they end with the sender
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Gets the reasons of what fails here; consumers only learn that something does.
   * @defaultValue silent
   */
  readonly logger?: Logger | undefined
  /** @defaultValue the machine's */
  readonly clock?: Pick<Clock, 'now'> | undefined
}

/** Gives consumers their messages; see {@link createEventsApi}. */
export interface EventsApi {
  /**
   * Handles a request whose path ends in `/endpoints/<id>/messages`, wherever it is mounted. Never rejects. Its `signal`
   * should be aborted when the consumer is gone.
   */
  handle(request: Request): Promise<Response>
  /** The same for Express, Connect and `node:http`. It handles every path that it is given. */
  node(request: IncomingMessage, response: ServerResponse): void
  /** How many requests wait for messages. */
  readonly waiting: number
}

const assertOption: Assertion = createOptionAssertion('createEventsApi')

const OPTIONS: FieldNames<EventsApiOptions> = {
  sender: true,
  rateLimit: true,
  invalidKeyLimit: true,
  maxWaiting: true,
  maxWaitingPerKey: true,
  maxResponseBytes: true,
  signal: true,
  logger: true,
  clock: true,
}
const RATE_LIMIT: FieldNames<RateLimit> = {
  limit: true,
  perSeconds: true,
}
const PATH = /\/endpoints\/([^/]+)\/messages$/
const METHODS = 'GET, HEAD, OPTIONS'
const BEARER = /^Bearer +(\S+) *$/i
const READABLE_AGAIN_SECONDS = 5

/**
 * Creates the API that consumers read their messages from, each with the key of its endpoint
 * (`endpoints.createKey`): those that they have missed, or all, where an endpoint has no URL.
 *
 * `GET .../endpoints/<id>/messages?after=<number>&limit=<1 to 250>&wait=<0 to 30 seconds>`, with `Authorization: Bearer
 * <key>`. Every message comes as it is POSTed, with a signature made now.
 *
 * @throws WebhookSenderError `invalid_option`
 * @example
 * ```ts
 * import express from 'express'
 * import { createEventsApi, type WebhookSender } from '@x/sender'
 *
 * function hostOf(sender: WebhookSender) {
 *   const app = express()
 *   app.use('/events', createEventsApi({ sender }).node)
 *   return app
 * }
 * ```
 */
export function createEventsApi(options: EventsApiOptions): EventsApi {
  const given = assertOption.fields('', options, OPTIONS)
  const { sender, logger = silentLogger, clock = systemClock, signal: hostSignal } = given
  const { maxResponseBytes = 4 * 1024 * 1024, maxWaiting = 1_000, maxWaitingPerKey = 4 } = given
  const isSender = typeof Object(Object(sender).messages).pull === 'function'
  assertOption(isSender, 'sender', 'what createWebhookSender has returned', sender)
  assertOption.methods('logger', logger, LOGGER_METHODS)
  assertOption.methods('clock', clock, ['now'])
  assertOption.integer('maxResponseBytes', maxResponseBytes, 1)
  const isSignal = hostSignal === undefined || hostSignal instanceof AbortSignal
  assertOption(isSignal, 'signal', 'an AbortSignal', hostSignal)
  const limits = createRequestLimits({
    rateLimit: rateLimitOption('rateLimit', given.rateLimit ?? { limit: 100, perSeconds: 10 }),
    invalidKeyLimit: rateLimitOption(
      'invalidKeyLimit',
      given.invalidKeyLimit ?? { limit: 1_000, perSeconds: 60 },
    ),
    maxWaiting: assertOption.integer('maxWaiting', maxWaiting, 1),
    maxWaitingPerKey: assertOption.integer('maxWaitingPerKey', maxWaitingPerKey, 1),
    clock,
  })

  /** @throws EventsApiProblem 401 */
  async function endpointOf(key: string): Promise<Endpoint> {
    const found = await sender.endpoints.findByKey(key)
    if (!found) throw unauthorized('The key that came along is not valid, or not any more.')
    return found.endpoint
  }

  /** @throws EventsApiProblem 401, 429 */
  async function admit(key: string, keyHash: string): Promise<Endpoint> {
    limits.take(keyHash)
    const found = await endpointOf(key).catch((error: unknown) => {
      if (error instanceof EventsApiProblem) limits.found(keyHash, false)
      throw error
    })
    limits.found(keyHash, true)
    return found
  }

  async function read(request: Request): Promise<Response> {
    const { method, url, headers, signal } = request
    const { pathname, searchParams } = new URL(url)
    const id = PATH.exec(pathname)?.[1]
    if (id === undefined) throw notFound()
    if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow: METHODS } })
    if (method !== 'GET' && method !== 'HEAD') {
      const detail = `Messages are read with GET; got ${shown(method)}.`
      throw new EventsApiProblem(405, 'method_not_allowed', detail, { headers: { allow: METHODS } })
    }
    const key = BEARER.exec(headers.get('authorization') ?? '')?.[1]
    if (key === undefined) throw unauthorized('No key came along.')
    const keyHash = createHash('sha256').update(key).digest('base64')
    const endpoint = await admit(key, keyHash)
    if (endpoint.id !== id) throw notFound()
    const { after, limit, waitMs } = readQuery(searchParams)
    const mayWait = method === 'GET' && waitMs > 0
    const leave = mayWait ? limits.wait(keyHash) : () => {}
    try {
      const pulled = await sender.messages.pull(endpoint.id, {
        after,
        limit,
        maxBytes: maxResponseBytes,
        waitMs: mayWait ? waitMs : 0,
        signal: hostSignal ? AbortSignal.any([signal, hostSignal]) : signal,
      })
      // It may have been revoked meanwhile.
      if (mayWait && pulled.messages.length > 0) await endpointOf(key)
      const body = method === 'HEAD' ? null : bodyOf(pulled, maxResponseBytes)
      return new Response(body, { headers: { 'content-type': 'application/json' } })
    } finally {
      leave()
    }
  }

  async function handle(request: Request): Promise<Response> {
    const response = await read(request).catch((error: unknown) => {
      const problem = problemOf(error)
      if (!problem || problem.status >= 500) {
        logger.error({ err: error }, 'Messages could not be given to a consumer')
      }
      const other =
        problem ??
        unavailable(
          'not_available',
          'The request failed because of an internal error.',
          READABLE_AGAIN_SECONDS,
        )
      const written = other.response()
      return request.method === 'HEAD' ? new Response(null, written) : written
    })
    // What is said of one endpoint is kept nowhere.
    response.headers.set('cache-control', 'no-store')
    response.headers.set('x-content-type-options', 'nosniff')
    return response
  }

  return {
    handle,
    node: (request, response) => void answerNode(handle, request, response, logger),
    get waiting() {
      return limits.waiting
    },
  }
}

function unauthorized(why: string): EventsApiProblem {
  const detail = `${why} Send the key of the endpoint with each request, in the header Authorization: Bearer whk_...`
  return new EventsApiProblem(401, 'unauthorized', detail, { headers: { 'www-authenticate': 'Bearer' } })
}

/** At least one message, and no more than fit. */
function bodyOf({ messages, cursor, hasMore }: PulledMessages, maxBytes: number): string {
  const written: string[] = []
  let bytes = 0
  for (const message of messages) {
    const text = JSON.stringify(message)
    bytes += Buffer.byteLength(text)
    if (written.length > 0 && bytes > maxBytes) break
    written.push(text)
  }
  const isCut = written.length < messages.length
  // Messages that were left out lie behind the last one only where all are written.
  const last = isCut ? (messages[written.length - 1]?.sequence ?? cursor) : cursor
  return `{"messages":[${written.join(',')}],"cursor":"${last}","hasMore":${hasMore || isCut}}`
}

function rateLimitOption(name: string, given: RateLimit): RateLimit {
  const { limit, perSeconds } = assertOption.fields(name, given, RATE_LIMIT)
  return {
    limit: assertOption.integer(`${name}.limit`, limit, 1, 10_000),
    perSeconds: assertOption.integer(`${name}.perSeconds`, perSeconds, 1, 86_400),
  }
}
