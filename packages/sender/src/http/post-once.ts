import type { HttpPools } from './pools.ts'
import { type PostContent, type PostOutcome, type PostTarget, preparePost } from './post.ts'

/** What {@link createPostOnce} needs. */
export interface PostOnceParts {
  readonly pools: HttpPools
  readonly timeoutMs: number
}

/** Sends one POST that is no delivery, and waits for what comes of it. It never rejects. */
export type PostOnce = (target: PostTarget, content: PostContent) => Promise<PostOutcome>

/** Creates what sends single requests, each for `timeoutMs` at most. */
export function createPostOnce({ pools, timeoutMs }: PostOnceParts): PostOnce {
  return (target, content) =>
    new Promise((resolve) => {
      const request = preparePost(pools, target, content, (outcome) => {
        clearTimeout(timer)
        resolve(outcome)
      })
      const message = `The response was not complete after ${timeoutMs} ms.`
      const timer = setTimeout(
        () => request.post.giveUp({ code: 'timeout', message, attribution: 'endpoint' }),
        timeoutMs,
      )
      request.send()
    })
}
