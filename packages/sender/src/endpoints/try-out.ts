import type { Clock, FieldNames } from '@x/events-core'
import { type TargetParts, targetOf } from '../deliver/delivery-target.ts'
import { outcomeOf } from '../deliver/outcome.ts'
import { createRetrySchedule } from '../deliver/retry-schedule.ts'
import { attemptDetails } from '../deliveries/attempt-details.ts'
import type { DeliveryAttempt } from '../deliveries/delivery.ts'
import { attemptOf } from '../deliveries/delivery-of-row.ts'
import { assertEndpoint, noUrl, ownershipNotProved } from '../errors.ts'
import { failedBy } from '../http/post.ts'
import type { PostOnce } from '../http/post-once.ts'
import { uniqueId } from '../ids.ts'
import type { TestMessages } from '../messages/test-message.ts'
import { type ClientCertificateInput, certificateToStore, encryptCertificate } from './client-certificate.ts'
import type { CreateEndpoint } from './endpoint.ts'
import { type EndpointRow, validateChange } from './fields.ts'
import { secretToUse } from './secrets.ts'
import { signMessage } from './signing.ts'
import { createTryLimit } from './try-limit.ts'
import { type EndpointRules, validateSignature, validateTenantId } from './validate.ts'

/** An endpoint to try before it is saved, or an existing one with changes. */
export interface TryOutEndpoint
  extends Partial<
    Pick<CreateEndpoint, 'siteId' | 'url' | 'headers' | 'signature' | 'secret' | 'format' | 'payloadVersion'>
  > {
  /** A certificate to show instead of the endpoint's; null for none. */
  readonly clientCertificate?: ClientCertificateInput | null | undefined
  readonly tenantId: number
  /**
   * The endpoint that the other fields are changes of: it signs as this one does.
   * @defaultValue none: it is a new one, with a `url`; without a `secret` it signs with a random one
   */
  readonly endpointId?: string | undefined
  /**
   * A type of the catalog, with its example.
   * @defaultValue 'Webhook.Test'
   */
  readonly eventType?: string | undefined
}

/** What came of a try. */
export interface TriedEndpoint {
  /** Whether the response was 2xx. */
  readonly succeeded: boolean
  readonly eventType: string
  /** What was sent. */
  readonly body: string
  readonly attempt: DeliveryAttempt
}

/** What {@link createTryOut} works with. */
export interface TryOutParts extends TargetParts {
  readonly clock: Clock
  readonly rules: EndpointRules
  readonly userAgent: string
  /** Whether every endpoint's owner must pass a challenge. */
  readonly verifyOwnership: boolean
  readonly testMessageOf: TestMessages
  readonly postOnce: PostOnce
  find(id: string, scope: { readonly tenantId: number }): Promise<EndpointRow>
}

const INPUTS: FieldNames<TryOutEndpoint> = {
  siteId: true,
  url: 'nullable',
  headers: true,
  signature: true,
  secret: true,
  format: true,
  payloadVersion: true,
  clientCertificate: 'nullable',
  tenantId: true,
  endpointId: true,
  eventType: true,
}

/** Creates what sends one request to an endpoint as it would be, and stores nothing. */
export function createTryOut(parts: TryOutParts) {
  const { store, clock, cipher, rules, userAgent, verifyOwnership, testMessageOf, postOnce, find } = parts
  const schedule = createRetrySchedule([0])
  const countTry = createTryLimit(clock)

  /** The endpoint as it would be saved, and what it would sign with. */
  async function endpointOf(given: TryOutEndpoint, now: number) {
    const { endpointId, tenantId, secret, eventType: _, signature, clientCertificate, ...fields } = given
    const before = endpointId === undefined ? undefined : await find(endpointId, { tenantId })
    const kind = before?.signature ?? validateSignature(signature)
    const change = validateChange(fields, before, rules)
    const id = before?.id ?? uniqueId('ep_', now)
    const certificate = certificateToStore(clientCertificate, change.url, (input) =>
      encryptCertificate(input, cipher, id, now),
    )
    const row: EndpointRow = {
      ...(before ?? { ...NEW, id, tenantId, signature: kind, createdOn: now, updatedOn: now }),
      ...change,
      certificate: certificate === undefined ? (before?.certificate ?? null) : certificate,
    }
    const isProved = before?.ownership === 'verified' && before.url === row.url
    if ((verifyOwnership || (before && before.ownership !== null)) && !isProved) {
      throw ownershipNotProved(id, 'until then it cannot be tried either.')
    }
    const keys =
      before && secret === undefined
        ? { secrets: await store.readSecrets(before.key, now) }
        : { keys: [secretToUse(secret, kind)] }
    return { row, keys }
  }

  /**
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_argument`, `too_many_tries`, `ownership_not_proved`, `no_url`, and
   *   those of `endpoints.create`
   */
  return async function tryOut(endpoint: TryOutEndpoint): Promise<TriedEndpoint> {
    const given = assertEndpoint.fields('', endpoint, INPUTS)
    const tenantId = validateTenantId(given.tenantId)
    const now = clock.now()
    const { row, keys } = await endpointOf(given, now)
    const message = testMessageOf(row, given.eventType, now)
    const target = targetOf(row, keys, parts)
    if (!target) throw noUrl(row.id)
    countTry(tenantId)
    const { eventId, eventType, headers: messageHeaders } = message
    const body = Buffer.from(message.body)
    const content = { eventId, body, headers: messageHeaders, link: null }
    const startedAt = performance.now()
    const { signature, headers } = signMessage(userAgent, target, content, now)
    const response = target.refusal ? failedBy(target.refusal) : await postOnce(target, { headers, body })
    const { state, errorCode, errorMessage } = outcomeOf(response, 1, schedule, { now, mayBeOurs: false })
    const attempt = attemptOf(
      {
        number: 1,
        startedOn: now,
        durationMs: Math.round(performance.now() - startedAt),
        url: target.url,
        signature,
        status: response.status ?? null,
        errorCode,
        errorMessage,
        responseBody: response.snippet ?? null,
        details: attemptDetails(headers, row.headers, response.exchange),
      },
      {
        delivery: { eventId, endpointId: row.id, link: null },
        endpoint: row,
        userAgent,
        webhookOrigin: parts.webhookOrigin,
        messageHeaders,
        revealHeaders: false,
      },
    )
    return { succeeded: state === 'succeeded', eventType, body: message.body, attempt }
  }
}

/** What an endpoint has that was never saved. */
const NEW = {
  key: 0,
  ownership: null,
  enabled: true,
  disabledReason: null,
  disabledOn: null,
  version: 1,
  failingSince: null,
} as const
