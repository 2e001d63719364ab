import type { StoredEndpointState } from '../deliveries/attempt-result.ts'
import { type CircuitPolicy, createCircuitBreaker } from './circuit-breaker.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import { EXTRA_ATTEMPTS, EXTRA_SECONDS, type LeasedEndpoint, UNRECORDED_FACTOR } from './leased-endpoint.ts'
import { createRateLimiter } from './rate-limiter.ts'

/**
 * Lets a endpoint go on from what is stored. What it has in memory is newer, unless somebody has reset it.
 * Who takes over from a node that has died does not know what that had begun: as many tokens are out.
 */
export function adoptState(
  endpoint: LeasedEndpoint,
  { rateLimit, concurrency }: DeliveryTarget,
  stored: StoredEndpointState,
  { policy, now }: { readonly policy: CircuitPolicy; readonly now: number },
): void {
  const isNew = endpoint.circuit === undefined
  if (isNew || endpoint.resets !== stored.resets) {
    endpoint.circuit = createCircuitBreaker(stored, policy)
    endpoint.resets = stored.resets
    endpoint.storedChanges = 0
  }
  const isLimitedSo =
    endpoint.rateLimit?.limit === rateLimit?.limit && endpoint.rateLimit?.perSeconds === rateLimit?.perSeconds
  if (isLimitedSo && !isNew) return
  const unrecorded = stored.wasHandedBack ? 0 : concurrency.max * UNRECORDED_FACTOR
  const unknown = isNew ? unrecorded : endpoint.inFlight
  const before = endpoint.rate?.stored(now) ?? stored.rate
  endpoint.rateLimit = rateLimit
  endpoint.rate = rateLimit && createRateLimiter(rateLimit, before, unknown, now)
  const perSeconds = Math.max(EXTRA_SECONDS, rateLimit?.perSeconds ?? 0)
  endpoint.extras = createRateLimiter({ limit: EXTRA_ATTEMPTS, perSeconds }, null, 0, performance.now())
}
