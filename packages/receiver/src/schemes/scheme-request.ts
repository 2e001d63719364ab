import { WebhookVerificationError } from '@x/signature'
import { fetchHeadersOf } from '../fetch-headers.ts'
import { parseJson } from '../parse-payload.ts'
import type { ReceiverInput } from '../receiver-input.ts'
import type { BodyFormat, SchemeRequest } from './scheme.ts'

/** What a scheme's request is made of. */
export interface SchemeRequestParts {
  readonly input: Pick<ReceiverInput, 'method' | 'headers' | 'url'>
  readonly body: Uint8Array | string
  readonly now: number
  readonly toleranceSeconds: number
}

const decoder = new TextDecoder('utf-8', { fatal: true })

const FORMATS: readonly (readonly [BodyFormat, RegExp])[] = [
  ['json', /^application\/(?:json|[\w.+-]{1,100}\+json)\s*(?:;|$)/i],
  ['form', /^application\/x-www-form-urlencoded\s*(?:;|$)/i],
  ['xml', /^(?:text|application)\/xml\s*(?:;|$)/i],
]

/** What a content type says that a body is written in: JSON without one, undefined for what no scheme reads. */
export function formatOf(contentType: string | null): BodyFormat | undefined {
  if (contentType === null) return 'json'
  return FORMATS.find(([, pattern]) => pattern.test(contentType))?.[0]
}

/** Makes a request what schemes see of it; what few of them ask for is made when one does. */
export function schemeRequest({ input, body, now, toleranceSeconds }: SchemeRequestParts): SchemeRequest {
  const headers = fetchHeadersOf(input.headers)
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body)
  let text: string | undefined
  let payload: { readonly value: unknown } | undefined

  return {
    method: input.method ?? 'POST',
    url: urlOf(input.url),
    headers,
    body: bytes,
    now,
    toleranceSeconds,
    get text() {
      text ??= textOf(bytes)
      return text
    },
    get payload() {
      payload ??= { value: payloadOf(this.text, formatOf(headers.get('content-type'))) }
      return payload.value
    },
  }
}

function urlOf(url = '/'): URL {
  const base = 'http://receiver.invalid'
  return URL.canParse(url, base) ? new URL(url, base) : new URL(base)
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new WebhookVerificationError('invalid_body', 'The body is not UTF-8.', { cause })
  }
}

function payloadOf(text: string, format: BodyFormat | undefined): unknown {
  if (format === 'form') return fieldsOf(text)
  return format === 'xml' ? text : parseJson(text)
}

/** The fields of a form; a list where a field is there more than once. */
function fieldsOf(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {}
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === '__proto__') continue
    const before = Object.hasOwn(fields, name) ? fields[name] : undefined
    fields[name] = before === undefined ? value : [before, value].flat()
  }
  return fields
}
