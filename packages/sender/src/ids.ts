import { randomBytes } from 'node:crypto'
import type { DeliveryKey } from './deliveries/delivery-row.ts'

/**
 * A prefix and a UUID version 7 (RFC 9562, 5.7): ids cannot be guessed, and sort by time.
 *
 * @param nowMs - milliseconds since 1970.
 */
export function uniqueId(prefix: string, nowMs: number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${prefix}${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * The id of an event that is only a test: a UUID version 8 (RFC 9562, 5.8), otherwise as any other, so that what was stored of
 * it is told from events that have happened.
 */
export function testEventId(nowMs: number): string {
  const id = uniqueId(EVENT, nowMs)
  return `${id.slice(0, VERSION_AT)}8${id.slice(VERSION_AT + 1)}`
}

/** Whether an event was only a test. */
export function isTestEvent(eventId: string): boolean {
  return eventId[VERSION_AT] === '8' && isUniqueId(EVENT, eventId)
}

const EVENT = 'evt_'
const VERSION_AT = EVENT.length + 14

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether a value can be such an id: what cannot is not asked of the database, which may be unable to read it. */
export function isUniqueId(prefix: string, id: unknown): id is string {
  return typeof id === 'string' && id.startsWith(prefix) && UUID.test(id.slice(prefix.length))
}

const ID = /^dlv_(0|[1-9]\d{0,14})_(0|[1-9]\d{0,14})$/

/** The id that users see of a delivery: its key, so that it needs no column and no index. */
export function deliveryIdOf({ endpointKey, messageKey }: DeliveryKey): string {
  return `dlv_${endpointKey}_${messageKey}`
}

/** The key of an id; undefined for what is none. */
export function parseDeliveryId(id: unknown): DeliveryKey | undefined {
  const parts = typeof id === 'string' ? ID.exec(id) : null
  return parts ? { endpointKey: Number(parts[1]), messageKey: Number(parts[2]) } : undefined
}
