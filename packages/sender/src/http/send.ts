import type { SequenceLink } from '@x/signature'
import { attemptErrorOf } from './errors.ts'
import type { HttpPools, PoolTarget } from './pools.ts'
import { Post, type PostOutcome } from './post.ts'

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
