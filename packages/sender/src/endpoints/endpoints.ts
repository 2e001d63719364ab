import type { Clock, FieldNames } from '@x/events-core'
import { SCOPE } from '../argument.ts'
import { readActor } from '../audit/audit-log.ts'
import {
  assertArgument,
  endpointNotFound,
  invalidEndpoint,
  noUrl,
  ownershipNotProved,
  tooManyEndpoints,
  versionConflict,
  WebhookSenderError,
} from '../errors.ts'
import type { FilterTrial, TestedEvent, TestFilter } from '../fan-out/filter-trial.ts'
import { isUniqueId, uniqueId } from '../ids.ts'
import type { Statistics, StatisticsQuery } from '../statistics/statistics.ts'
import type { DeliveryStore } from '../store/store.ts'
import { createEndpointApiKeys, type EndpointApiKeys } from './api-keys.ts'
import type { SecretCipher } from './cipher.ts'
import { certificateToStore, encryptCertificate } from './client-certificate.ts'
import type {
  ActorScope,
  CreateEndpoint,
  Endpoint,
  EndpointSecret,
  EndpointWithSecret,
  TenantScope,
  UpdateEndpoint,
} from './endpoint.ts'
import { endpointOf } from './endpoint-of-row.ts'
import {
  changedFields,
  type EndpointRow,
  readCreateInput,
  readUpdateInput,
  validateChange,
} from './fields.ts'
import type { EndpointHealthReader } from './health.ts'
import { createEndpointLists, type EndpointLists } from './list-endpoints.ts'
import type { OwnershipCheck } from './ownership.ts'
import { encryptSecret, secretToUse, verificationKeyOf } from './secrets.ts'
import { createTryOut, type TriedEndpoint, type TryOutEndpoint, type TryOutParts } from './try-out.ts'
import {
  type EndpointRules,
  tenantOf,
  validateSignature,
  validateTenantId,
  validateVerifyOwnership,
} from './validate.ts'

/** Which time to give an endpoint's statistics of. */
export interface EndpointStatisticsQuery extends StatisticsQuery, TenantScope {}

/** How a secret is replaced. */
export interface RotateSecret extends ActorScope {
  /**
   * Seconds for which messages are signed with the secrets before as well; at most 7 days. 0 ends them at once.
   * @defaultValue 86400
   */
  readonly overlapSeconds?: number | undefined
  /**
   * The key to sign with from now on.
   * @defaultValue a new one
   */
  readonly secret?: string | undefined
}

/**
 * Looks after endpoints. Each method that takes an id can be narrowed to a tenant.
 *
 * @example
 * ```ts
 * import type { WebhookSender } from '@x/sender'
 *
 * async function subscribe(sender: WebhookSender, tenantId: number, url: string): Promise<string> {
 *   const { endpoint, secret } = await sender.endpoints.create({ tenantId, url, eventTypes: ['File.*'] })
 *   await sender.sendTest(endpoint.id)
 *   return secret
 * }
 * ```
 */
export interface Endpoints extends EndpointApiKeys, EndpointLists {
  /** Whether the owner of every endpoint must pass a challenge: the option `verifyOwnership`. */
  readonly verifiesOwnership: boolean
  /**
   * One whose ownership is to be verified begins disabled. It is challenged at once if its `secret` was given, which its
   * consumer then knows already; else, call `verify` when the consumer has it.
   *
   * @throws WebhookSenderError `invalid_endpoint`, `invalid_filter`, `invalid_url`, `forbidden_address`, `invalid_secret`, `invalid_certificate`, `too_many_endpoints`
   */
  create(input: CreateEndpoint, by?: Pick<ActorScope, 'actor'>): Promise<EndpointWithSecret>
  /** @throws WebhookSenderError `endpoint_not_found` */
  get(id: string, scope?: TenantScope): Promise<Endpoint>
  /**
   * Changes the given fields, and leaves the rest.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `version_conflict`, and those of `create`
   */
  update(id: string, changes: UpdateEndpoint, scope?: ActorScope): Promise<Endpoint>
  /**
   * Deletes an endpoint with its secrets. Its pending deliveries are cancelled; its past ones stay listed, and a request that
   * is in flight is listed with what comes of it.
   *
   * @throws WebhookSenderError `endpoint_not_found`
   */
  delete(id: string, scope?: ActorScope): Promise<void>
  /**
   * Lets an endpoint receive again. What was waiting when it was disabled is sent; events raised
   * meanwhile are not.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `ownership_not_proved`
   */
  enable(id: string, scope?: ActorScope): Promise<Endpoint>
  /**
   * Sends an endpoint nothing more until it is enabled. Its pending deliveries stay pending.
   *
   * @throws WebhookSenderError `endpoint_not_found`
   */
  disable(id: string, scope?: ActorScope): Promise<Endpoint>
  /**
   * Sends the owner of the endpoint's URL a challenge, and enables the endpoint once it has passed. Nothing is
   * sent when it was before.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `ownership_not_proved`, which says what came back
   */
  verify(id: string, scope?: ActorScope): Promise<Endpoint>
  /**
   * Signs with another secret from now on, and for a while with those before as well. An endpoint has at most 10 at a time, so
   * that consumers accept the header with their signatures.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_secret`, `invalid_argument`, `too_many_secrets`: wait until one has
   *   ended, or end all others with an `overlapSeconds` of 0.
   */
  rotateSecret(id: string, options?: RotateSecret): Promise<EndpointWithSecret>
  /**
   * The secrets that messages are signed with now, the current one first. With an `actor`, the audit log says that they were
   * shown.
   *
   * @throws WebhookSenderError `endpoint_not_found`
   */
  secrets(id: string, scope?: ActorScope): Promise<readonly EndpointSecret[]>
  /**
   * The public key that messages are verified with, `whpk_...`; undefined for one that shares a secret.
   *
   * @throws WebhookSenderError `endpoint_not_found`
   */
  publicKey(id: string, scope?: TenantScope): Promise<string | undefined>
  /**
   * Tries a filter without saving it: on the newest events of the tenant that an endpoint of these types and this site
   * would get, whether there is one or not. Looks back over the last 50,000 events of the host at most. Renders
   * what it tries the filter on.
   *
   * @returns at most 100 events, the newest first.
   * @throws WebhookSenderError `invalid_filter`, `invalid_endpoint`, `invalid_argument`
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function countLarge(sender: WebhookSender, tenantId: number): Promise<number> {
   *   const filter = { 'data.entity.total': { $gt: 100 } }
   *   const tested = await sender.endpoints.testFilter({ tenantId, filter, eventTypes: ['Invoice.*'] })
   *   return tested.filter(({ matches }) => matches).length
   * }
   * ```
   */
  testFilter(query: TestFilter): Promise<readonly TestedEvent[]>
  /**
   * Sends one request to an endpoint as it would be, now, and stores nothing. Its message has `data.test: true`. A tenant has 20
   * tries a minute, in each process. Where ownership is to be verified, only URLs can be tried that were.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_argument`, `too_many_tries`, `ownership_not_proved`, `no_url`, and
   *   those of `create`
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function isReachable(sender: WebhookSender, tenantId: number, url: string): Promise<boolean> {
   *   const { succeeded, attempt } = await sender.endpoints.tryOut({ tenantId, url, eventType: 'Invoice.Create' })
   *   if (!succeeded) console.warn(attempt.response?.status, attempt.errorCode, attempt.response?.body)
   *   return succeeded
   * }
   * ```
   */
  tryOut(endpoint: TryOutEndpoint): Promise<TriedEndpoint>
  /**
   * What was attempted over time, in buckets: for a chart.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_argument`
   */
  statistics(id: string, query: EndpointStatisticsQuery): Promise<Statistics>
}

/** What {@link createEndpoints} works with. */
export interface EndpointsParts {
  readonly store: DeliveryStore
  readonly cipher: SecretCipher
  readonly clock: Clock
  readonly rules: EndpointRules
  readonly maxEndpointsPerTenant: number
  /** Whether every endpoint's owner must pass a challenge. */
  readonly verifyOwnership: boolean
  readonly ownership: OwnershipCheck
  readonly testFilter: FilterTrial
  readonly health: EndpointHealthReader
  /** Called before statistics are read, so that they include every recorded attempt. */
  rollUp(): Promise<void>
  /** All that trying one out needs besides. */
  readonly tryOut: Omit<TryOutParts, 'find' | 'rules' | 'verifyOwnership'>
  /** Called after each change, so that what this process remembers of the endpoint is forgotten. */
  changed(endpointKey: number): void
  statistics(tenantId: number, endpointKey: number, query: StatisticsQuery): Promise<Statistics>
}

const DEFAULT_OVERLAP_SECONDS = 24 * 60 * 60
const MAX_OVERLAP_SECONDS = 7 * 24 * 60 * 60
const MAX_LIVE_SECRETS = 10
const MAX_UPDATE_TRIES = 5

const ROTATE: FieldNames<RotateSecret> = {
  ...SCOPE,
  overlapSeconds: true,
  secret: true,
}
const STATISTICS: FieldNames<EndpointStatisticsQuery> = {
  tenantId: true,
  since: true,
  until: true,
  bucketSeconds: true,
}

/** Creates the endpoints of a sender. */
export function createEndpoints(parts: EndpointsParts): Endpoints {
  const { store, cipher, clock, rules, maxEndpointsPerTenant, changed, verifyOwnership, statistics } = parts
  async function find(id: string, scope?: TenantScope): Promise<EndpointRow> {
    const tenantId = tenantOf(scope)
    const row = isUniqueId('ep_', id) ? await store.findEndpoint(id) : undefined
    if (row && (tenantId === undefined || row.tenantId === tenantId)) return row
    throw endpointNotFound(id)
  }

  async function setEnabled(id: string, enabled: boolean, scope: ActorScope | undefined): Promise<Endpoint> {
    const actor = readActor(scope)
    const { key, ownership } = await find(id, scope)
    if (enabled && ownership === 'pending') throw ownershipNotProved(id, 'it has not done so yet.')
    const reason = enabled ? null : 'manual'
    if (await store.setEnabled(key, enabled, reason, clock.now(), actor)) changed(key)
    return endpointOf(await find(id, scope))
  }

  return {
    ...createEndpointApiKeys({ store, clock, find }),
    ...createEndpointLists({ ...parts, find }),
    verifiesOwnership: verifyOwnership,

    async create(given, by) {
      const actor = readActor(by)
      const input = readCreateInput(given)
      const tenantId = validateTenantId(input.tenantId)
      const signature = validateSignature(input.signature)
      const fields = validateChange(input, undefined, rules)
      const secret = secretToUse(input.secret, signature)
      // Counted again where it is stored: here, so that one too many raises no revision, after which all endpoints are read anew.
      if ((await store.countEndpoints(tenantId)) >= maxEndpointsPerTenant)
        throw tooManyEndpoints(tenantId, maxEndpointsPerTenant)
      const now = clock.now()
      const id = uniqueId('ep_', now)
      const certificate = certificateToStore(input.clientCertificate, fields.url, (given) =>
        encryptCertificate(given, cipher, id, now),
      )
      const wantsProof = validateVerifyOwnership(input.verifyOwnership)
      if (wantsProof && fields.url === null) {
        throw invalidEndpoint(
          'verifyOwnership',
          'is for an endpoint with a url, whose owner is asked',
          'true',
        )
      }
      const ownership = fields.url !== null && (wantsProof || verifyOwnership) ? 'pending' : null
      const row = { id, tenantId, signature, ownership, createdOn: now, ...fields, certificate } as const
      const sealed = encryptSecret(cipher, secret, id, now)
      if (!(await store.createEndpoint(row, sealed, actor, maxEndpointsPerTenant)))
        throw tooManyEndpoints(tenantId, maxEndpointsPerTenant)
      // Its consumer knows the secret already.
      if (ownership !== null && input.secret !== undefined) await parts.ownership.tryTo(await find(id), actor)
      return { endpoint: endpointOf(await find(id)), secret: verificationKeyOf(secret, signature) }
    },

    async get(id, scope) {
      return endpointOf(await find(id, scope))
    },

    async update(id, given, scope) {
      const actor = readActor(scope)
      const changes = readUpdateInput(given)
      for (let tries = 1; ; tries++) {
        const row = await find(id, scope)
        const { version = row.version } = changes
        if (version !== row.version) throw versionConflict(id, version, row.version)
        const now = clock.now()
        const change = validateChange(changes, row, rules)
        const certificate = certificateToStore(changes.clientCertificate, change.url, (given) =>
          encryptCertificate(given, cipher, id, now),
        )
        const isAsked = row.ownership !== null || (row.url === null && verifyOwnership)
        const mustProve = isAsked && change.url !== row.url
        const to = { ...change, certificate }
        const fields = changedFields(row, to)
        const record = { action: 'endpoint_updated', actor, details: { fields } } as const
        const noted = fields.length > 0 ? record : undefined
        if (await store.changeEndpoint({ key: row.key, version }, to, now, mustProve, noted)) {
          changed(row.key)
          if (mustProve) await parts.ownership.tryTo(await find(id), actor)
          return endpointOf(await find(id, scope))
        }
        // Another change came first. A caller that named no version wants this one on top of it.
        if (changes.version !== undefined || tries === MAX_UPDATE_TRIES) {
          throw versionConflict(id, version, (await find(id, scope)).version)
        }
      }
    },

    async delete(id, scope) {
      const actor = readActor(scope)
      const { key } = await find(id, scope)
      await store.deleteEndpoint(key, clock.now(), actor)
      changed(key)
    },

    enable: (id, scope) => setEnabled(id, true, scope),
    disable: (id, scope) => setEnabled(id, false, scope),
    async verify(id, scope) {
      const actor = readActor(scope)
      const row = await find(id, scope)
      if (row.url === null) throw noUrl(id)
      await parts.ownership.verify(row, actor)
      return endpointOf(await find(id, scope))
    },

    async rotateSecret(id, options) {
      const rotation = assertArgument.fields('', options, ROTATE)
      const { overlapSeconds = DEFAULT_OVERLAP_SECONDS, secret: given, ...scope } = rotation
      const fits =
        Number.isFinite(overlapSeconds) && overlapSeconds >= 0 && overlapSeconds <= MAX_OVERLAP_SECONDS
      assertArgument(fits, 'overlapSeconds', `a number from 0 to ${MAX_OVERLAP_SECONDS}`, overlapSeconds)
      const actor = readActor(scope)
      const { key, signature } = await find(id, scope)
      const secret = secretToUse(given, signature)
      const now = clock.now()
      const expireOthersOn = now + Math.round(overlapSeconds * 1_000)
      const outcome = await store.rotateSecret(key, encryptSecret(cipher, secret, id, now), {
        expireOthersOn,
        most: MAX_LIVE_SECRETS,
        isSame: (sealed) => cipher.decrypt(sealed, id) === secret,
        now,
        actor,
      })
      if (outcome === 'no_endpoint') throw endpointNotFound(id)
      if (outcome !== 'rotated') throw tooManySecrets(id, outcome.untilOn)
      changed(key)
      return { endpoint: endpointOf(await find(id)), secret: verificationKeyOf(secret, signature) }
    },

    async secrets(id, scope) {
      const actor = readActor(scope)
      const { key, signature } = await find(id, scope)
      const now = clock.now()
      if (actor !== null) await store.noteAudit(key, { action: 'secret_shown', actor }, now)
      const rows = await store.readSecrets(key, now)
      return rows.map(({ sealed, createdOn, expiresOn }) => ({
        secret: verificationKeyOf(cipher.decrypt(sealed, id), signature),
        createdOn: new Date(createdOn),
        ...(expiresOn === null ? {} : { expiresOn: new Date(expiresOn) }),
      }))
    },

    async publicKey(id, scope) {
      const { key, signature } = await find(id, scope)
      if (signature === 'hmac') return undefined
      const [current] = await store.readSecrets(key, clock.now())
      return current && verificationKeyOf(cipher.decrypt(current.sealed, id), signature)
    },

    testFilter: parts.testFilter,
    tryOut: createTryOut({ ...parts.tryOut, rules, verifyOwnership, find }),

    async statistics(id, query) {
      const { since, until, bucketSeconds, ...scope } = assertArgument.fields('', query, STATISTICS)
      const { tenantId, key } = await find(id, scope)
      return statistics(tenantId, key, { since, until, bucketSeconds })
    },
  }
}

function tooManySecrets(id: string, untilOn: number): WebhookSenderError {
  return new WebhookSenderError(
    'too_many_secrets',
    `The messages of the endpoint ${id} are signed with ${MAX_LIVE_SECRETS} secrets already, as many as may be; wait until ${new Date(untilOn).toISOString()}, when the first of them ends, or rotate with an overlapSeconds of 0, which ends all others at once.`,
    { field: 'overlapSeconds' },
  )
}

const AT_ONCE = 100

/** Encrypts every secret with the current key that was encrypted with an earlier one. */
export async function reencryptSecrets(store: DeliveryStore, cipher: SecretCipher): Promise<number> {
  let count = 0
  for (;;) {
    const secrets = await store.listForeignSecrets(cipher.keyId, AT_ONCE)
    if (secrets.length === 0) return count
    for (const secret of secrets) {
      const { owner, sealed } = secret
      await store.replaceSealed(secret, cipher.encrypt(cipher.decrypt(sealed, owner), owner), cipher.keyId)
    }
    count += secrets.length
  }
}
