import type { WebhookHeaders } from '@x/signature'

const SVIX = /^svix-/i
const STANDARD = /^webhook-/i

/**
 * Headers with the names of the standard, where a sender called them `svix-id`, `svix-timestamp` and
 * `svix-signature`. Either all three are of that family or none: the two are never mixed.
 */
export function withStandardNames(headers: WebhookHeaders): WebhookHeaders {
  if (typeof headers !== 'object' || headers === null) return headers
  if ('get' in headers && typeof headers.get === 'function') {
    const { get } = headers
    const ask = (name: string): string | null => get.call(headers, name)
    if (!ask('svix-signature')) return headers
    return { get: (name: string) => ask(name.replace(STANDARD, 'svix-')) }
  }
  const entries = Object.entries(headers)
  if (!entries.some(([name]) => name.toLowerCase() === 'svix-signature')) return headers
  const renamed = new Map<string, unknown>()
  for (const [name, value] of entries) {
    if (STANDARD.test(name) || value === undefined) continue
    const newName = name.toLowerCase().replace(SVIX, 'webhook-')
    // In two spellings: as strict as with the other family, which refuses what is there twice.
    renamed.set(newName, renamed.has(newName) ? [renamed.get(newName), value] : value)
  }
  return Object.fromEntries(renamed) as WebhookHeaders
}
