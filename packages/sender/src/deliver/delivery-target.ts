import { decryptCertificate } from '../endpoints/client-certificate.ts'
import type { Concurrency, Endpoint, RateLimit } from '../endpoints/endpoint.ts'
import { endpointOf } from '../endpoints/endpoint-of-row.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { type Signing, type SigningKeys, type SigningParts, signingOf } from '../endpoints/signing.ts'
import { brokenRule, type UrlRules } from '../endpoints/validate.ts'
import type { AttemptError } from '../http/errors.ts'
import type { ClientCertificate } from '../http/tls.ts'
import { createRetrySchedule, type RetrySchedule } from './retry-schedule.ts'

/** Everything that is the same for each attempt to an endpoint, worked out once. */
export interface DeliveryTarget extends Signing {
  readonly endpoint: Endpoint
  readonly tenantId: number
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
}

/** What {@link targetOf} works with. */
export interface TargetParts extends SigningParts {
  readonly urlRules: UrlRules
}

/**
 * Works out how to deliver to an endpoint.
 *
 * @returns undefined when it has no URL.
 * @throws WebhookSenderError `wrong_encryption_key`
 */
export function targetOf(
  endpoint: EndpointRow,
  keys: SigningKeys,
  parts: TargetParts,
): DeliveryTarget | undefined {
  if (endpoint.url === null) return undefined
  const url = new URL(endpoint.url)
  const { origin, pathname, search } = url
  return {
    ...signingOf(endpoint, keys, parts),
    endpoint: endpointOf(endpoint),
    tenantId: endpoint.tenantId,
    url: endpoint.url,
    origin,
    path: pathname + search,
    refusal: refusalOf(url, parts.urlRules),
    concurrency: endpoint.concurrency,
    rateLimit: endpoint.rateLimit ?? undefined,
    schedule: endpoint.retrySchedule ? createRetrySchedule(endpoint.retrySchedule) : undefined,
    certificate: endpoint.certificate
      ? decryptCertificate(endpoint.certificate, parts.cipher, endpoint.id)
      : undefined,
  }
}

/** Of addresses the connector knows better: also what names lead to. */
function refusalOf(url: URL, rules: UrlRules): AttemptError | undefined {
  const broken = brokenRule(url, rules)
  if (!broken) return undefined
  const message = `The endpoint's url ${broken.rule}; it has ${broken.got}.`
  return { code: 'forbidden_url', attribution: 'endpoint', message }
}
