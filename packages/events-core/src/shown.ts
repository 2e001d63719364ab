const MAX_LENGTH = 80

/**
 * Shows a value in an error's message, in at most 80 characters: enough to recognise it.
 * Of lists and objects it says only what they are: they may be of any depth, or have no text.
 *
 * @example
 * ```ts
 * import { shown } from '@x/events-core'
 *
 * shown('ten') // '"ten"'
 * shown([1, 2]) // 'a list of 2'
 * ```
 */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    const text = JSON.stringify(value.slice(0, MAX_LENGTH))
    return text.length > MAX_LENGTH || value.length > MAX_LENGTH
      ? `${text.slice(0, MAX_LENGTH - 3)}...`
      : text
  }
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value).slice(0, MAX_LENGTH)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (!(value instanceof Date)) return 'an object'
  return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
}
