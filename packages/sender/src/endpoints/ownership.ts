import { randomBytes, timingSafeEqual } from 'node:crypto'
import { ALL_SITES, type Clock, createSyncEvent, eventTypeOf } from '@x/events-core'
import { type DeliveryTarget, type TargetParts, targetOf } from '../deliver/delivery-target.ts'
import { endpointNotFound, noUrl, ownershipNotProved, WebhookSenderError } from '../errors.ts'
import { attemptErrorOf } from '../http/errors.ts'
import type { HttpPools } from '../http/pools.ts'
import { failedBy, type PostOutcome, requestHeaders } from '../http/post.ts'
import { createPostOnce } from '../http/post-once.ts'
import { uniqueId } from '../ids.ts'
import { messageOf } from '../messages/message.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { EndpointRow } from './fields.ts'

/** What {@link createOwnershipChallenge} needs. */
export interface OwnershipChallengeParts extends TargetParts {
  readonly clock: Clock
  readonly pools: HttpPools
  readonly userAgent: string
  readonly timeoutMs: number
}

const TOKEN_BYTES = 32

/**
 * Creates the challenge of an endpoint's owner: a webhook of the type `Webhook.Challenge` with a random token, signed
 * as any other. The response must be JSON with the `token`, and with the `signature` of `Webhook.Challenge.<token>`
 * under the same id and timestamp. A consumer of an endpoint with a key pair cannot sign, and leaves the signature
 * out. `@x/receiver` responds by itself.
 *
 * Where the sender has a `webhookOrigin`, a receiver that does not respond may allow it by OPTIONS instead.
 */
export function createOwnershipChallenge(parts: OwnershipChallengeParts) {
  const { store, clock, userAgent, webhookOrigin } = parts
  const postOnce = createPostOnce(parts)
  const askByOptions = createOriginHandshake(parts)

  /** @throws WebhookSenderError `ownership_not_proved` */
  return async function challenge(endpoint: EndpointRow): Promise<void> {
    const secrets = await store.readSecrets(endpoint.key, clock.now())
    // Deleted meanwhile.
    if (secrets.length === 0) throw endpointNotFound(endpoint.id)
    const target = targetOf(endpoint, { secrets }, parts)
    if (!target) throw noUrl(endpoint.id)
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const now = clock.now()
    const id = uniqueId('evt_', now)
    const timestamp = Math.floor(now / 1_000)
    const body = challengeBody(endpoint, { id, token, now })
    const headers = requestHeaders(
      userAgent,
      id,
      timestamp,
      target.signer.sign({ id, timestamp, body }),
      null,
    )
    const content = { headers: [...headers, ...target.ownHeaders], body }
    const outcome = target.refusal ? failedBy(target.refusal) : await postOnce(target, content)
    const problem = problemOf(outcome, token, () => {
      if (endpoint.signature !== 'hmac') return undefined
      return target.signer.sign({ id, timestamp, body: Buffer.from(`Webhook.Challenge.${token}`) })
    })
    if (problem === undefined) return
    if (webhookOrigin === undefined || target.refusal) throw ownershipNotProved(endpoint.id, problem)
    const refused = await askByOptions(target, webhookOrigin)
    if (refused !== undefined) throw ownershipNotProved(endpoint.id, `${problem} And ${refused}`)
  }
}

function challengeBody(
  { id: entityId, tenantId, siteId }: EndpointRow,
  { id, token, now }: { readonly id: string; readonly token: string; readonly now: number },
): Buffer {
  const event = createSyncEvent({
    id,
    tenantId,
    siteId: siteId ?? ALL_SITES,
    entityName: 'Webhook',
    entityId,
    action: 'Challenge',
    modifiedOn: new Date(now),
  })
  const message = messageOf({
    event,
    eventType: eventTypeOf(event),
    entity: { token },
    format: 'standard',
    cloudEventSource: undefined,
    maxBodyBytes: Number.POSITIVE_INFINITY,
  })
  return Buffer.from(message.body)
}

/** @param expected - the signatures that the owner can make; undefined where it has only a public key. */
function problemOf(
  { status, error, snippet }: PostOutcome,
  token: string,
  expected: () => string | undefined,
): string | undefined {
  if (error) return `it could not be reached (${error.code}: ${error.message})`
  if (status === undefined || status < 200 || status > 299) return `it responded with ${status}, not 2xx.`
  const response = responseOf(snippet ?? '')
  if (response?.token !== token) return `it responded with ${status} without the token.`
  const signatures = expected()?.split(' ')
  const given = typeof response.signature === 'string' ? response.signature.split(' ') : []
  if (!signatures || signatures.some((one) => given.some((other) => isSame(one, other)))) return undefined
  return 'it responded with the token, but without a signature that the secret makes.'
}

function responseOf(text: string): { token?: unknown; signature?: unknown } | undefined {
  try {
    return Object(JSON.parse(text))
  } catch {
    return undefined
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** What {@link createOwnershipCheck} works with. */
export interface OwnershipCheckParts {
  readonly store: Pick<DeliveryStore, 'proveOwnership'>
  readonly clock: Clock
  /** Challenges the owner of an endpoint's URL. */
  challenge(endpoint: EndpointRow): Promise<void>
  /** Called when the endpoint has changed. */
  changed(endpointKey: number): void
}

/** Verifies that the owner of an endpoint's URL wants its webhooks. */
export interface OwnershipCheck {
  /** @throws WebhookSenderError `ownership_not_proved` */
  verify(endpoint: EndpointRow, actor: string | null): Promise<void>
  /** The same where the owner should be able to respond by now. If it does not, the endpoint stays as it is. */
  tryTo(endpoint: EndpointRow, actor: string | null): Promise<void>
}

/** Creates the check, which enables endpoints whose owner has passed it. */
export function createOwnershipCheck({
  store,
  clock,
  challenge,
  changed,
}: OwnershipCheckParts): OwnershipCheck {
  async function verify(row: EndpointRow, actor: string | null): Promise<void> {
    if (row.ownership === 'verified') return
    if (row.url === null) throw noUrl(row.id)
    await challenge(row)
    if (!(await store.proveOwnership(row.key, row.url, clock.now(), actor))) {
      throw ownershipNotProved(row.id, 'its url has changed meanwhile.')
    }
    changed(row.key)
  }

  return {
    verify,
    async tryTo(row, actor) {
      try {
        await verify(row, actor)
      } catch (error) {
        if (!WebhookSenderError.is(error) || error.code !== 'ownership_not_proved') throw error
      }
    },
  }
}

/** What {@link createOriginHandshake} works with. */
interface OriginHandshakeParts {
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
function createOriginHandshake({ pools, userAgent, timeoutMs }: OriginHandshakeParts) {
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
      return `OPTIONS failed (${code}: ${message})`
    }
    if (allowed === '*') return undefined
    if (typeof allowed === 'string' && allowed.toLowerCase() === webhookOrigin.toLowerCase()) return undefined
    return `asked by OPTIONS, it does not allow ${webhookOrigin}.`
  }
}
