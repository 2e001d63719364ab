import type { WebhookHeaders } from '@x/signature'

function entriesOf(headers: object): Iterable<readonly [string, unknown]> {
  if (Symbol.iterator in headers) return headers as Iterable<readonly [string, unknown]>
  return Object.entries(headers)
}

/** Headers in whatever shape a framework has them, as fetch `Headers`; what those cannot hold is left out. */
export function fetchHeadersOf(headers: WebhookHeaders): Headers {
  if (headers instanceof Headers) return headers
  const result = new Headers()
  for (const [name, value] of entriesOf(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one !== 'string') continue
      try {
        result.append(name, one)
      } catch {
        // ':path' of HTTP/2, say.
      }
    }
  }
  return result
}
