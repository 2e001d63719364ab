import type { DeliveryTarget } from '../deliver/delivery-target.ts'
import { attemptErrorOf } from '../http/errors.ts'
import type { HttpPools } from '../http/pools.ts'

/** What {@link createOriginHandshake} works with. */
export interface OriginHandshakeParts {
  readonly pools: HttpPools
  readonly userAgent: string
  readonly timeoutMs: number
}

const MAX_ANSWER_BYTES = 64 * 1024

/**
 * Creates what asks a receiver by OPTIONS whether this system may send to it: the abuse protection of CloudEvents (HTTP
 * 1.1 Web Hooks for Event Delivery 1.0.2, section 4). No callback is offered.
 *
 * @returns what to say of a receiver that does not allow it; undefined for one that does.
 */
export function createOriginHandshake({ pools, userAgent, timeoutMs }: OriginHandshakeParts) {
  return async (target: DeliveryTarget, webhookOrigin: string): Promise<string | undefined> => {
    let allowed: unknown
    try {
      const response = await pools.of(target).request({
        method: 'OPTIONS',
        path: target.path,
        // The target's own headers name the origin.
        headers: ['user-agent', userAgent, ...target.ownHeaders],
        signal: AbortSignal.timeout(timeoutMs),
      })
      allowed = response.headers['webhook-allowed-origin']
      // A status says nothing here: what knows no OPTIONS may answer it with 200.
      await response.body.dump({ limit: MAX_ANSWER_BYTES })
    } catch (error) {
      const { code, message } = attemptErrorOf(error)
      return `it could not be asked by OPTIONS (${code}: ${message})`
    }
    if (allowed === '*') return undefined
    if (typeof allowed === 'string' && allowed.toLowerCase() === webhookOrigin.toLowerCase()) return undefined
    return `asked by OPTIONS, it does not allow ${webhookOrigin}.`
  }
}
