import type { Clock } from '@x/events-core'
import { createSigner, type SyncSigner } from '@x/signature'
import type { SecretCipher } from '../endpoints/cipher.ts'
import { decryptCertificate } from '../endpoints/client-certificate.ts'
import type { Concurrency, Endpoint, RateLimit } from '../endpoints/endpoint.ts'
import { endpointOf } from '../endpoints/endpoint-of-row.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { brokenRule, type UrlRules } from '../endpoints/validate.ts'
import type { AttemptError } from '../http/errors.ts'
import type { ClientCertificate } from '../http/tls.ts'
import type { DeliveryStore } from '../store/store.ts'
import { createRetrySchedule, type RetrySchedule } from './retry-schedule.ts'

/** Everything that is the same for each attempt to an endpoint, worked out once. */
export interface DeliveryTarget {
  readonly endpoint: Endpoint
  readonly endpointId: string
  readonly tenantId: number
  readonly version: number
  readonly url: string
  readonly origin: string
  readonly path: string
  /** Why nothing is sent: the rules have become stricter since the URL was saved. */
  readonly refusal: AttemptError | undefined
  readonly concurrency: Concurrency
  readonly rateLimit: RateLimit | undefined
  /** Undefined where the sender's own holds. */
  readonly schedule: RetrySchedule | undefined
  /** What it shows of itself, if the consumer wants that. */
  readonly certificate: ClientCertificate | undefined
  /** The endpoint's own headers, and the sender's `webhookOrigin`, name and value in turn. */
  readonly ownHeaders: readonly string[]
  readonly signer: SyncSigner
  /** When the first of its secrets expires, and it has to be worked out again. */
  readonly validUntil: number
}

/** What {@link loadTarget} works with. */
export interface TargetParts {
  readonly store: DeliveryStore
  readonly cipher: SecretCipher
  readonly clock: Clock
  readonly urlRules: UrlRules
  /** What each request says of the system that sends it, where it has a name. */
  readonly webhookOrigin: string | undefined
}

/**
 * Reads an endpoint to deliver to.
 *
 * @returns undefined when it is disabled or deleted.
 * @throws WebhookSenderError `wrong_encryption_key`
 */
export async function loadTarget(
  endpointKey: number,
  parts: TargetParts,
): Promise<DeliveryTarget | undefined> {
  const endpoint = await parts.store.readEndpoint(endpointKey)
  return endpoint?.enabled ? targetOf(endpoint, parts) : undefined
}

/**
 * Works out how to deliver to an endpoint.
 *
 * @throws WebhookSenderError `wrong_encryption_key`
 */
export async function targetOf(
  endpoint: EndpointRow,
  { store, cipher, clock, urlRules, webhookOrigin }: TargetParts,
): Promise<DeliveryTarget> {
  const secrets = await store.readSecrets(endpoint.key, clock.now())
  const url = new URL(endpoint.url)
  const { origin, pathname, search } = url
  return {
    endpoint: endpointOf(endpoint),
    endpointId: endpoint.id,
    tenantId: endpoint.tenantId,
    version: endpoint.version,
    url: endpoint.url,
    origin,
    path: pathname + search,
    refusal: refusalOf(url, urlRules),
    concurrency: endpoint.concurrency,
    rateLimit: endpoint.rateLimit ?? undefined,
    schedule: endpoint.retrySchedule ? createRetrySchedule(endpoint.retrySchedule) : undefined,
    certificate: endpoint.certificate
      ? decryptCertificate(endpoint.certificate, cipher, endpoint.id)
      : undefined,
    ownHeaders: [
      ...Object.entries(endpoint.headers).flat(),
      ...(webhookOrigin === undefined ? [] : ['webhook-request-origin', webhookOrigin]),
    ],
    signer: createSigner(secrets.map(({ sealed }) => cipher.decrypt(sealed, endpoint.id))),
    validUntil: Math.min(...secrets.map(({ expiresOn }) => expiresOn ?? Number.POSITIVE_INFINITY)),
  }
}

/** Of addresses the connector knows better: also what names lead to. */
function refusalOf(url: URL, rules: UrlRules): AttemptError | undefined {
  const broken = brokenRule(url, rules)
  if (!broken) return undefined
  const message = `The endpoint's url ${broken.rule}; it has ${broken.got}.`
  return { code: 'forbidden_url', attribution: 'endpoint', message }
}
