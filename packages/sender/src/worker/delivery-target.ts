import type { Clock } from '@x/events-core'
import { createSigner, type SyncSigner } from '@x/signature'
import type { DeliveryStore } from '../delivery-store.ts'
import type { Concurrency, RateLimit } from '../endpoints/endpoint.ts'
import type { SecretBox } from '../endpoints/secret-box.ts'
import { createRetrySchedule, type RetrySchedule } from './retry-schedule.ts'

/** Everything that is the same for each attempt to an endpoint, worked out once. */
export interface DeliveryTarget {
  readonly endpointId: string
  readonly tenantId: number
  readonly version: number
  readonly url: string
  readonly origin: string
  readonly path: string
  readonly concurrency: Concurrency
  readonly rateLimit: RateLimit | undefined
  /** Undefined where the sender's own holds. */
  readonly schedule: RetrySchedule | undefined
  /** The endpoint's own headers, name and value in turn. */
  readonly ownHeaders: readonly string[]
  readonly signer: SyncSigner
  /** When the first of its secrets expires, and it has to be worked out again. */
  readonly validUntil: number
}

/**
 * Reads an endpoint to deliver to.
 *
 * @returns undefined when it is disabled or deleted.
 * @throws WebhookSenderError `wrong_encryption_key`
 */
export async function loadTarget(
  endpointKey: number,
  store: DeliveryStore,
  box: SecretBox,
  clock: Clock,
): Promise<DeliveryTarget | undefined> {
  const endpoint = await store.readEndpoint(endpointKey)
  if (!endpoint?.enabled) return undefined
  const secrets = await store.readSecrets(endpointKey, clock.now())
  const { origin, pathname, search } = new URL(endpoint.url)
  return {
    endpointId: endpoint.id,
    tenantId: endpoint.tenantId,
    version: endpoint.version,
    url: endpoint.url,
    origin,
    path: pathname + search,
    concurrency: endpoint.concurrency,
    rateLimit: endpoint.rateLimit ?? undefined,
    schedule: endpoint.retrySchedule ? createRetrySchedule(endpoint.retrySchedule) : undefined,
    ownHeaders: Object.entries(endpoint.headers).flat(),
    signer: createSigner(secrets.map(({ sealed }) => box.open(sealed, endpoint.id))),
    validUntil: Math.min(...secrets.map(({ expiresOn }) => expiresOn ?? Number.POSITIVE_INFINITY)),
  }
}
