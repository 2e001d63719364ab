/** Most characters that are kept of what was thrown. */
const MAX_ERROR_LENGTH = 4_000

const MAX_CAUSES = 10
const UNREADABLE = '(a value that cannot be read)'

/**
 * Whether a value is text that every database stores as it is. PostgreSQL stores no U+0000, and neither
 * database half of a surrogate pair: a name that holds one names nothing that is stored.
 */
export function isStorable(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
}

/**
 * Text from outside, as every database stores it: U+FFFD stands in for what none can.
 *
 * @param maxLength - most characters that are kept of it.
 * @example
 * ```ts
 * import { storableText } from '@x/events-engine/internal'
 *
 * console.log(storableText('cut \0 here, and not there', 8)) // cut � he
 * ```
 */
export function storableText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  // Cut first: what is dropped need not be looked at.
  return text.slice(0, maxLength).toWellFormed().replaceAll('\0', '\ufffd')
}

/**
 * The text of a thrown value, for storing and showing: its name and message, and those of its causes.
 * It never throws: the value may be no error but a text, an error whose message cannot be read, or one that is its own
 * cause.
 *
 * @param maxLength - most characters.
 */
export function thrownText(thrown: unknown, maxLength = MAX_ERROR_LENGTH): string {
  const parts: string[] = []
  const seen = new Set<unknown>()
  let length = 0
  for (let one = thrown; parts.length < MAX_CAUSES && length < maxLength && !seen.has(one); ) {
    seen.add(one)
    const part = describe(one, maxLength)
    parts.push(part)
    length += part.length
    one = causeOf(one)
    if (one === undefined) break
  }
  return storableText(parts.join('\nCaused by '), maxLength)
}

/** The message alone of a thrown value, for a sentence of one's own; see {@link thrownText}. */
export function thrownMessage(thrown: unknown, maxLength = MAX_ERROR_LENGTH): string {
  return storableText(messageOf(thrown), maxLength)
}

function causeOf(thrown: unknown): unknown {
  return isObject(thrown) ? attempt(() => (isErrorLike(thrown) ? thrown['cause'] : undefined)) : undefined
}

function describe(thrown: unknown, maxLength: number): string {
  const message = messageOf(thrown).slice(0, maxLength)
  if (!isObject(thrown) || !attempt(() => isErrorLike(thrown))) return message
  const name = attempt(() => thrown['name'])
  return typeof name === 'string' && name !== '' ? `${name.slice(0, maxLength)}: ${message}` : message
}

function messageOf(thrown: unknown): string {
  if (isObject(thrown) && attempt(() => isErrorLike(thrown))) {
    return textOf(attempt(() => thrown['message']) ?? UNREADABLE)
  }
  return textOf(thrown)
}

/** Includes errors of another realm, and objects of libraries that only look like errors. */
function isErrorLike(value: Readonly<Record<string, unknown>>): boolean {
  return value instanceof Error || typeof value['message'] === 'string'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Any value as text, even one whose conversion throws. */
export function textOf(value: unknown): string {
  return attempt(() => String(value)) ?? UNREADABLE
}

function attempt<TValue>(read: () => TValue): TValue | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
