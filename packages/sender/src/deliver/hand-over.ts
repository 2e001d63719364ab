import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { type LeasedEndpoint, remember } from './leased-endpoint.ts'

/** What became of deliveries that were just stored. */
export interface HandedOver {
  /** Lanes that have got some. */
  readonly given: ReadonlySet<LeasedEndpoint>
  /** Lanes that have to read some, when their turn comes. */
  readonly toRead: ReadonlySet<LeasedEndpoint>
  /** Whether there are some of endpoints that have no endpoint here. */
  readonly elsewhere: boolean
}

const MAX_OF_ONE = 5_000
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Puts deliveries that are stored and committed into their endpoints, so that they need not be read back. A endpoint takes
 * what comes after everything that it knows of, as long as there is room: what waits in the database goes first, and
 * whatever is not taken lies there.
 */
export function handOver(
  deliveries: readonly DueDelivery[],
  endpoints: ReadonlyMap<number, LeasedEndpoint>,
  now: number,
): HandedOver {
  const given = new Set<LeasedEndpoint>()
  const toRead = new Set<LeasedEndpoint>()
  let elsewhere = false
  let bytes = 0
  for (const { first } of endpoints.values()) for (const { body } of first) bytes += body.length

  for (const delivery of deliveries) {
    const endpoint = endpoints.get(delivery.endpointKey)
    if (!endpoint) elsewhere = true
    else if (toRead.has(endpoint) || bytes >= MAX_BYTES || !canTake(endpoint, delivery, now))
      toRead.add(endpoint)
    else {
      bytes += delivery.body.length
      endpoint.first.push(delivery)
      remember(endpoint, delivery)
      given.add(endpoint)
    }
  }
  return { given, toRead, elsewhere }
}

function canTake(endpoint: LeasedEndpoint, delivery: DueDelivery, now: number): boolean {
  const { target, circuit, first, known } = endpoint
  if (endpoint.closed || endpoint.gone || endpoint.reading || endpoint.moreFirst || !target || !circuit)
    return false
  // Of those that follow each other, the database knows which one is due.
  if (delivery.orderingKey !== null || delivery.dueOn > now || now < circuit.notBefore) return false
  return first.length < MAX_OF_ONE && !known.has(delivery.messageKey)
}
