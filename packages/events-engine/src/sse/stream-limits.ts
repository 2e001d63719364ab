import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { SseAudience, SseFeedSettings } from './options.ts'

/** The reason why a stream is not opened. */
export interface SseRefusal {
  readonly status: 429 | 503
  readonly code: 'too_many_streams' | 'stopping'
  readonly detail: string
  readonly retryAfterSeconds: number
}

/** Counts the streams that are open. */
export interface StreamLimits {
  /** @returns a function that frees the slot; or the reason why there is none. */
  take(audience: SseAudience): (() => void) | SseRefusal
}

export function createStreamLimits(limits: SseFeedSettings['limits']): StreamLimits {
  const open = new Map<string, number>()

  function add(key: string, by: 1 | -1): void {
    const count = (open.get(key) ?? 0) + by
    if (count > 0) open.set(key, count)
    else open.delete(key)
  }

  return {
    take({ tenantId, user, address }) {
      const refused = (status: 429 | 503, who: string, retryAfterSeconds: number): SseRefusal => ({
        status,
        code: 'too_many_streams',
        detail: `Too many streams are open ${who}; close some, or poll instead.`,
        retryAfterSeconds,
      })
      const slots: [key: string, limit: number, refusal: SseRefusal][] = [
        ['all', limits.total, refused(503, 'on this host', 10)],
        [`tenant ${tenantId}`, limits.perTenant, refused(429, 'for this tenant', 30)],
      ]
      if (user !== undefined) {
        slots.push([`user ${tenantId} ${user}`, limits.perUser, refused(429, 'for this user', 30)])
      }
      if (address !== undefined) {
        slots.push([`address ${address}`, limits.perAddress, refused(429, 'from this address', 30)])
      }
      const full = slots.find(([key, limit]) => (open.get(key) ?? 0) >= limit)
      if (full) return full[2]
      for (const [key] of slots) add(key, 1)
      let isTaken = true
      return () => {
        if (!isTaken) return
        isTaken = false
        for (const [key] of slots) add(key, -1)
      }
    },
  }
}

function problemOf({ status, code, detail, retryAfterSeconds }: SseRefusal) {
  return {
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': String(retryAfterSeconds),
    },
    body: JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail }),
  }
}

/** Responds with the reason of a refusal, as a problem document. */
export function refuse(response: ServerResponse, refused: SseRefusal): void {
  const { headers, body } = problemOf(refused)
  response.writeHead(refused.status, headers).end(body)
}

/** The same as a `Response`. */
export function refusal(refused: SseRefusal): Response {
  const { headers, body } = problemOf(refused)
  return new Response(body, { status: refused.status, headers })
}
