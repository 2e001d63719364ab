import { shown, WebhookSenderError } from '../errors.ts'

const MAX_HEADERS = 20
const MAX_NAME_LENGTH = 100
const MAX_VALUE_LENGTH = 4_096
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// A tab, or visible ASCII and spaces: no line break can end the header early.
const VALUE = /^[\t\x20-\x7e]*$/

// Those of the connection, of the message's form, and those that the sender sets itself.
const RESERVED = new Set([
  'accept-encoding',
  'connection',
  'date',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
])
const RESERVED_PREFIXES = ['ce-', 'content-', 'proxy-', 'sec-', 'svix-', 'webhook-', 'x-forwarded-']

/**
 * Reads an endpoint's own headers; their names become lower case.
 *
 * @throws WebhookSenderError `invalid_endpoint`
 */
export function validateHeaders(headers: unknown): Record<string, string> {
  if (headers === undefined) return {}
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw invalid('headers', 'must be an object of names and texts', shown(headers))
  }
  const entries = Object.entries(headers)
  if (entries.length > MAX_HEADERS) {
    throw invalid('headers', `must be at most ${MAX_HEADERS}`, `${entries.length} of them`)
  }
  const valid = new Map<string, string>()
  for (const [name, value] of entries) {
    const lowerName = name.toLowerCase()
    const field = `headers.${lowerName.slice(0, MAX_NAME_LENGTH)}`
    if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) {
      throw invalid(
        field,
        `has a name that is no header name of at most ${MAX_NAME_LENGTH} characters`,
        shown(name),
      )
    }
    if (RESERVED.has(lowerName) || RESERVED_PREFIXES.some((prefix) => lowerName.startsWith(prefix))) {
      throw invalid(field, 'is set by the sender or the connection and cannot be given', shown(name))
    }
    if (valid.has(lowerName)) throw invalid(field, 'must be given once', 'it in two spellings')
    // The value may be a credential: it is not shown.
    if (typeof value !== 'string' || !VALUE.test(value) || value.length > MAX_VALUE_LENGTH) {
      throw invalid(
        field,
        `must be a text of at most ${MAX_VALUE_LENGTH} printable ASCII characters without line breaks`,
        'something else',
      )
    }
    valid.set(lowerName, value.trim())
  }
  return Object.fromEntries(valid)
}

function invalid(field: string, rule: string, got: string): WebhookSenderError {
  return new WebhookSenderError('invalid_endpoint', `The endpoint's ${field} ${rule}; got ${got}.`, { field })
}
