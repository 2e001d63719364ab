import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { SseRefusal } from './stream-limits.ts'

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

/** Answers with why there is no stream, as a problem document. */
export function refuse(response: ServerResponse, refused: SseRefusal): void {
  const { headers, body } = problemOf(refused)
  response.writeHead(refused.status, headers).end(body)
}

/** The same as a `Response`. */
export function refusal(refused: SseRefusal): Response {
  const { headers, body } = problemOf(refused)
  return new Response(body, { status: refused.status, headers })
}
