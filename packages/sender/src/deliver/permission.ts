import { createSyncEvent, type Logger, type SyncEvent, shown } from '@x/events-core'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { Endpoint } from '../endpoints/endpoint.ts'
import type { CanReceive, DeliveredEvent } from '../options.ts'

/** A message that a host is asked about. */
export type AskedMessage = Pick<DueDelivery, 'eventId' | 'body' | 'headers'>

/** Whether an endpoint may have a message now; undefined where the host does not say. */
export type IsAllowed = (endpoint: Endpoint, message: AskedMessage) => Promise<boolean | undefined>

/** Creates what asks a host about a message that is read. */
export function createPermissionCheck(
  canReceive: CanReceive,
  { timeoutMs, logger }: { readonly timeoutMs: number; readonly logger: Logger },
): IsAllowed {
  return async (endpoint, message) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`It did not respond within ${timeoutMs} ms.`)), timeoutMs)
    })
    try {
      return await Promise.race([isAllowed(canReceive, endpoint, message), late])
    } catch (error) {
      logger.warn({ err: error, endpoint: endpoint.id }, 'canReceive has failed; the message is not given')
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
}

/** @throws what the host throws, and TypeError where it returns neither true nor false. */
export async function isAllowed(
  canReceive: CanReceive,
  endpoint: Endpoint,
  message: AskedMessage,
): Promise<boolean> {
  const allowed: unknown = await canReceive(endpoint, eventOf(message))
  if (typeof allowed === 'boolean') return allowed
  throw new TypeError(`It returned ${shown(allowed)}, not true or false.`)
}

/** Reads from a message the event that it is about, whichever its format. */
function eventOf({ eventId, body, headers }: AskedMessage): DeliveredEvent {
  const content = JSON.parse(body.toString()) as Content
  const timeAt = headers?.indexOf('ce-time') ?? -1
  const data = timeAt < 0 ? content.data : (content as unknown as Content['data'])
  const time = timeAt < 0 ? (content.timestamp ?? content.time) : headers?.[timeAt + 1]
  const { tenantId, siteId, entityName, entityId, action } = data
  return createSyncEvent({
    id: eventId,
    tenantId,
    siteId,
    entityName,
    entityId,
    action,
    modifiedOn: new Date(time ?? Number.NaN),
  })
}

interface Content {
  readonly timestamp?: string
  readonly time?: string
  readonly data: Pick<SyncEvent, 'tenantId' | 'siteId' | 'entityName' | 'entityId' | 'action'>
}
