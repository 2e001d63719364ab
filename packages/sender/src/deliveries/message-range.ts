import type { DeliveryState } from './delivery.ts'
import type { DeliveryKey } from './delivery-row.ts'

/** Which deliveries to list. */
export interface DeliveryFilter {
  readonly tenantId: number
  readonly endpointId: string | undefined
  readonly state: DeliveryState | undefined
  readonly eventType: string | undefined
  /** Inclusive. */
  readonly createdAfter: number | undefined
  /** Exclusive. */
  readonly createdBefore: number | undefined
  readonly before: DeliveryKey | undefined
  readonly limit: number
}

/** Which deliveries a filter lets through by time and page, in the order of the parameters of both dialects. */
export type MessageRange = readonly [
  createdAfter: number,
  createdBefore: number,
  firstMessage: number,
  beforeMessage: number,
  beforeEndpoint: number,
]

// Messages of a moment may have been stored in another order than their clocks say.
const DISORDER_MS = 60_000

/**
 * Narrows a filter by time to a range of messages, whose keys ascend with time.
 *
 * @param boundOf - finds the first message of a time or later.
 */
export async function messageRangeOf(
  { createdAfter, createdBefore, before }: DeliveryFilter,
  boundOf: (time: number) => Promise<number>,
): Promise<MessageRange> {
  const first = createdAfter === undefined ? 0 : await boundOf(createdAfter - DISORDER_MS)
  const end =
    createdBefore === undefined ? Number.MAX_SAFE_INTEGER : await boundOf(createdBefore + DISORDER_MS)
  const page = before !== undefined && before.messageKey < end ? before : { messageKey: end, endpointKey: 0 }
  return [
    createdAfter ?? Number.MIN_SAFE_INTEGER,
    createdBefore ?? Number.MAX_SAFE_INTEGER,
    first,
    page.messageKey,
    page.endpointKey,
  ]
}
