import type { FieldNames } from '@x/events-core'
import { storableText } from '@x/events-engine/internal'
import { readLimit, SCOPE } from '../argument.ts'
import type { ActorScope } from '../endpoints/endpoint.ts'
import { validateTenantId } from '../endpoints/validate.ts'
import { assertArgument } from '../errors.ts'
import { isUniqueId } from '../ids.ts'
import type { DeliveryStore } from '../store/store.ts'
import { type AuditEntry, parseEntryId } from './audit-entry.ts'

/** Which entries to list: the newest first. */
export interface ListAuditLog {
  readonly tenantId: number
  /**
   * Those about this endpoint.
   * @defaultValue all of the tenant
   */
  readonly endpointId?: string | undefined
  /** The id of the last entry of the page before. */
  readonly before?: string | undefined
  /**
   * 1 to 250.
   * @defaultValue 50
   */
  readonly limit?: number | undefined
}

/**
 * Who has changed what, and when. Every change that is made through the sender is written down in its own transaction; reading
 * secrets is, too, where the caller names an actor.
 *
 * @example
 * ```ts
 * import type { WebhookSender } from '@x/sender'
 *
 * async function whoDisabled(sender: WebhookSender, tenantId: number, endpointId: string) {
 *   const entries = await sender.auditLog.list({ tenantId, endpointId })
 *   return entries.find(({ action }) => action === 'endpoint_disabled')?.actor
 * }
 * ```
 */
export interface AuditLog {
  /** @throws WebhookSenderError `invalid_argument`, `invalid_endpoint` for what is no tenant's id */
  list(query: ListAuditLog): Promise<readonly AuditEntry[]>
}

const LIST: FieldNames<ListAuditLog> = {
  tenantId: true,
  endpointId: true,
  before: true,
  limit: true,
}

/** Creates the audit log of a sender. */
export function createAuditLog(store: Pick<DeliveryStore, 'listAuditLog'>): AuditLog {
  return {
    async list(query) {
      const { endpointId, before, limit, ...scope } = assertArgument.fields('', query, LIST)
      const tenantId = validateTenantId(scope.tenantId)
      const isText = endpointId === undefined || typeof endpointId === 'string'
      assertArgument(isText, 'endpointId', 'the id of an endpoint', endpointId)
      const beforeKey = before === undefined ? Number.MAX_SAFE_INTEGER : parseEntryId(before)
      assertArgument(beforeKey !== undefined, 'before', 'the id of an entry', before)
      const count = readLimit(limit)
      if (endpointId !== undefined && !isUniqueId('ep_', endpointId)) return []
      return store.listAuditLog({ tenantId, endpointId, before: beforeKey, limit: count })
    },
  }
}

const MAX_ACTOR_LENGTH = 200

/**
 * Reads who makes a change, so that it can be stored.
 *
 * @throws WebhookSenderError `invalid_argument`
 */
export function readActor(scope: ActorScope | undefined): string | null {
  const { actor } = assertArgument.fields('', scope, SCOPE)
  if (actor === undefined) return null
  assertArgument(typeof actor === 'string', 'actor', 'a text', actor)
  return actor === '' ? null : storableText(actor, MAX_ACTOR_LENGTH)
}
