import type { Clock } from '@x/events-core'
import { WebhookSenderError } from '../errors.ts'

/** Of a tenant in a minute, in this process. */
const MAX_TRIES = 20
const WINDOW_MS = 60_000

/**
 * Creates what counts the tries of each tenant.
 *
 * @returns what throws `too_many_tries` where there were too many within a minute.
 */
export function createTryLimit(clock: Clock): (tenantId: number) => void {
  let since = 0
  const counts = new Map<number, number>()

  return (tenantId) => {
    const now = clock.now()
    if (Math.abs(now - since) >= WINDOW_MS) {
      counts.clear()
      since = now
    }
    const count = (counts.get(tenantId) ?? 0) + 1
    if (count > MAX_TRIES) {
      throw new WebhookSenderError('too_many_tries', `There are ${MAX_TRIES} tries a minute; wait a minute.`)
    }
    counts.set(tenantId, count)
  }
}
