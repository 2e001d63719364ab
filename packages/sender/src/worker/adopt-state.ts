import type { StoredEndpointState } from '../deliveries/attempt-result.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import { createEndpointHealth, type HealthPolicy } from './endpoint-health.ts'
import { EXTRA_ATTEMPTS, EXTRA_SECONDS, type Lane, UNRECORDED_FACTOR } from './lane.ts'
import { createRateLimiter } from './rate-limiter.ts'

/**
 * Lets a lane go on from what is stored. What it has in memory is newer, unless somebody has reset it.
 * Who takes over from a node that has died does not know what that had begun: as many tokens are out.
 */
export function adoptState(
  lane: Lane,
  { rateLimit, concurrency }: DeliveryTarget,
  stored: StoredEndpointState,
  { policy, now }: { readonly policy: HealthPolicy; readonly now: number },
): void {
  const isNew = lane.health === undefined
  if (isNew || lane.resets !== stored.resets) {
    lane.health = createEndpointHealth(stored, policy)
    lane.resets = stored.resets
    lane.storedChanges = 0
  }
  const isLimitedSo =
    lane.rateLimit?.limit === rateLimit?.limit && lane.rateLimit?.perSeconds === rateLimit?.perSeconds
  if (isLimitedSo && !isNew) return
  const unrecorded = stored.wasHandedBack ? 0 : concurrency.max * UNRECORDED_FACTOR
  const unknown = isNew ? unrecorded : lane.inFlight
  const before = lane.rate?.stored(now) ?? stored.rate
  lane.rateLimit = rateLimit
  lane.rate = rateLimit && createRateLimiter(rateLimit, before, unknown, now)
  const perSeconds = Math.max(EXTRA_SECONDS, rateLimit?.perSeconds ?? 0)
  lane.extras = createRateLimiter({ limit: EXTRA_ATTEMPTS, perSeconds }, null, 0, performance.now())
}
