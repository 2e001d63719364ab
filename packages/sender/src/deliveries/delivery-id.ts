import type { DeliveryKey } from './delivery-row.ts'

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
