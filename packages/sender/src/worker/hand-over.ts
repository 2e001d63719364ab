import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { type Lane, remember } from './lane.ts'

/** What became of deliveries that were just stored. */
export interface HandedOver {
  /** Lanes that have got some. */
  readonly given: ReadonlySet<Lane>
  /** Lanes that have to read some, when their turn comes. */
  readonly toRead: ReadonlySet<Lane>
  /** Whether there are some of endpoints that have no lane here. */
  readonly elsewhere: boolean
}

const MAX_OF_ONE = 5_000
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Puts deliveries that are stored and committed into their lanes, so that they need not be read back. A lane takes
 * what comes after everything that it knows of, as long as there is room: what waits in the database goes first, and
 * whatever is not taken lies there.
 */
export function handOver(
  deliveries: readonly DueDelivery[],
  lanes: ReadonlyMap<number, Lane>,
  now: number,
): HandedOver {
  const given = new Set<Lane>()
  const toRead = new Set<Lane>()
  let elsewhere = false
  let bytes = 0
  for (const { first } of lanes.values()) for (const { body } of first) bytes += body.length

  for (const delivery of deliveries) {
    const lane = lanes.get(delivery.endpointKey)
    if (!lane) elsewhere = true
    else if (toRead.has(lane) || bytes >= MAX_BYTES || !canTake(lane, delivery, now)) toRead.add(lane)
    else {
      bytes += delivery.body.length
      lane.first.push(delivery)
      remember(lane, delivery)
      given.add(lane)
    }
  }
  return { given, toRead, elsewhere }
}

function canTake(lane: Lane, delivery: DueDelivery, now: number): boolean {
  const { target, health, first, known } = lane
  if (lane.closed || lane.gone || lane.reading || lane.moreFirst || !target || !health) return false
  // Of those that follow each other, the database knows which one is due.
  if (delivery.orderingKey !== null || delivery.dueOn > now || now < health.notBefore) return false
  return first.length < MAX_OF_ONE && !known.has(delivery.messageKey)
}
