import { createHash, randomBytes } from 'node:crypto'
import { type Clock, type FieldNames, shown } from '@x/events-core'
import { SCOPE } from '../argument.ts'
import { readActor } from '../audit/audit-log.ts'
import { assertArgument, endpointNotFound, WebhookSenderError } from '../errors.ts'
import { isUniqueId, uniqueId } from '../ids.ts'
import type { ApiKeyRow } from '../store/api-keys.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { ActorScope, Endpoint, TenantScope } from './endpoint.ts'
import { endpointOf } from './endpoint-of-row.ts'
import type { EndpointRow } from './fields.ts'

/** A key that a consumer reads the messages of an endpoint with, without its text. */
export interface EndpointApiKey {
  /** `key_` and a UUID. */
  readonly id: string
  /** What its text begins with: `whk_` and 8 characters. */
  readonly prefix: string
  readonly createdOn: Date
  /** To the minute; absent while it was never used. */
  readonly lastUsedOn?: Date
  /** When it ends, after a rotation; absent for one that does not. */
  readonly expiresOn?: Date
}

/** A new key, with its text. */
export interface NewEndpointApiKey extends EndpointApiKey {
  /** `whk_` and 43 characters. It is shown this once: only its hash is stored. */
  readonly key: string
}

/** How a key is replaced. */
export interface RotateKey extends ActorScope {
  /**
   * Seconds for which the key before stays valid; at most 7 days.
   * @defaultValue 86400
   */
  readonly overlapSeconds?: number | undefined
}

/** The methods for keys, of {@link Endpoints}. */
export interface EndpointApiKeys {
  /**
   * Creates a key that a consumer reads the messages of an endpoint with, from `createEventsApi`. An endpoint has at
   * most 10. Its text is in what comes back, and nowhere else.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `no_sequence`, `too_many_keys`
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function keyFor(sender: WebhookSender, tenantId: number): Promise<string> {
   *   const { endpoint } = await sender.endpoints.create({ tenantId, url: null })
   *   const { key } = await sender.endpoints.createKey(endpoint.id)
   *   return key
   * }
   * ```
   */
  createKey(id: string, scope?: ActorScope): Promise<NewEndpointApiKey>
  /**
   * The valid keys of an endpoint, the newest first.
   *
   * @throws WebhookSenderError `endpoint_not_found`
   */
  listKeys(id: string, scope?: TenantScope): Promise<readonly EndpointApiKey[]>
  /**
   * Creates a key in the place of another one, which stays valid for a while.
   *
   * @param keyId - the id of the key to replace.
   * @throws WebhookSenderError `endpoint_not_found`, `key_not_found`, `too_many_keys`, `invalid_argument`
   */
  rotateKey(id: string, keyId: string, options?: RotateKey): Promise<NewEndpointApiKey>
  /**
   * Ends a key at once.
   *
   * @throws WebhookSenderError `endpoint_not_found`, `key_not_found`
   */
  revokeKey(id: string, keyId: string, scope?: ActorScope): Promise<void>
  /**
   * The endpoint that a key reads. It counts as a use of the key.
   *
   * @param key - the text of the key.
   * @returns undefined where there is no such key, or none any more.
   */
  findByKey(key: string): Promise<{ readonly endpoint: Endpoint; readonly keyId: string } | undefined>
}

/** What {@link createEndpointApiKeys} works with. */
export interface EndpointApiKeysParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  find(id: string, scope: TenantScope | undefined): Promise<EndpointRow>
}

const PREFIX = 'whk_'
const KEY = /^whk_[\w-]{43}$/
const SHOWN_LENGTH = PREFIX.length + 8
const KEY_BYTES = 32
const MAX_KEYS = 10
const DEFAULT_OVERLAP_SECONDS = 24 * 60 * 60
const MAX_OVERLAP_SECONDS = 7 * 24 * 60 * 60
const USE_EVERY_MS = 60_000
const ROTATE: FieldNames<RotateKey> = { ...SCOPE, overlapSeconds: true }

/** Creates what looks after the keys of endpoints. */
export function createEndpointApiKeys({ store, clock, find }: EndpointApiKeysParts): EndpointApiKeys {
  async function add(
    { key: endpointKey, id: endpointId }: EndpointRow,
    now: number,
    actor: string | null,
    replaced?: { readonly id: string; readonly expiresOn: number },
  ): Promise<NewEndpointApiKey> {
    const key = `${PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}`
    const row = {
      id: uniqueId('key_', now),
      hash: hashOf(key),
      prefix: key.slice(0, SHOWN_LENGTH),
      createdOn: now,
    }
    const added = await store.addApiKey(endpointKey, row, MAX_KEYS, replaced, actor)
    if (added === 'no_endpoint') throw endpointNotFound(endpointId)
    if (added === 'no_key') throw keyNotFound(endpointId, replaced?.id)
    if (added === 'too_many') {
      throw new WebhookSenderError(
        'too_many_keys',
        `The endpoint ${endpointId} has ${MAX_KEYS} keys already, as many as it may; revoke one that is not used.`,
      )
    }
    return { ...keyOf({ ...row, lastUsedOn: null, expiresOn: null }), key }
  }

  return {
    async createKey(id, scope) {
      const actor = readActor(scope)
      const endpoint = await find(id, scope)
      if (!endpoint.sequence) {
        throw new WebhookSenderError(
          'no_sequence',
          `The messages of the endpoint ${id} have no numbers, by which they are read; let it have a sequence first.`,
          { remedy: 'endpoints.update(id, { sequence: true }) does.' },
        )
      }
      return add(endpoint, clock.now(), actor)
    },

    async listKeys(id, scope) {
      const { key } = await find(id, scope)
      return (await store.listApiKeys(key, clock.now())).map(keyOf)
    },

    async rotateKey(id, keyId, options) {
      const { overlapSeconds = DEFAULT_OVERLAP_SECONDS, ...scope } = assertArgument.fields(
        '',
        options,
        ROTATE,
      )
      const fits =
        Number.isFinite(overlapSeconds) && overlapSeconds >= 0 && overlapSeconds <= MAX_OVERLAP_SECONDS
      assertArgument(fits, 'overlapSeconds', `a number from 0 to ${MAX_OVERLAP_SECONDS}`, overlapSeconds)
      const actor = readActor(scope)
      const endpoint = await find(id, scope)
      if (!isUniqueId('key_', keyId)) throw keyNotFound(id, keyId)
      const now = clock.now()
      return add(endpoint, now, actor, { id: keyId, expiresOn: now + Math.round(overlapSeconds * 1_000) })
    },

    async revokeKey(id, keyId, scope) {
      const actor = readActor(scope)
      const { key } = await find(id, scope)
      const isRevoked =
        isUniqueId('key_', keyId) && (await store.revokeApiKey(key, keyId, clock.now(), actor))
      if (!isRevoked) throw keyNotFound(id, keyId)
    },

    async findByKey(key) {
      if (typeof key !== 'string' || !KEY.test(key)) return undefined
      const now = clock.now()
      const found = await store.findApiKey(hashOf(key), now)
      const endpoint = found && (await store.readEndpoint(found.endpointKey))
      if (!endpoint) return undefined
      const { id: keyId, lastUsedOn } = found
      // Also where the clock was set back.
      if (lastUsedOn === null || Math.abs(now - lastUsedOn) >= USE_EVERY_MS)
        await store.noteApiKeyUse(keyId, now)
      return { endpoint: endpointOf(endpoint), keyId }
    },
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function keyOf({ id, prefix, createdOn, lastUsedOn, expiresOn }: ApiKeyRow): EndpointApiKey {
  return {
    id,
    prefix,
    createdOn: new Date(createdOn),
    ...(lastUsedOn === null ? {} : { lastUsedOn: new Date(lastUsedOn) }),
    ...(expiresOn === null ? {} : { expiresOn: new Date(expiresOn) }),
  }
}

function keyNotFound(endpointId: string, keyId: unknown): WebhookSenderError {
  return new WebhookSenderError('key_not_found', `The endpoint ${endpointId} has no key ${shown(keyId)}.`, {
    field: 'keyId',
    remedy: 'endpoints.listKeys() shows all.',
  })
}
