import { type ReceivedRequest, waitFor } from '@x/testkit'
import type { Delivery } from '../src/index.ts'
import type { OpenHost } from './open-host.ts'

/** The message that a request is of. */
export const idOf = ({ headers }: ReceivedRequest): string => String(headers['webhook-id'])

/** An order as it was meant: what was sent again at once is left out. */
export const withoutRepeats = <TId>(ids: readonly TId[]): readonly TId[] =>
  ids.filter((id, index) => id !== ids[index - 1])

/** The deliveries of tenant 1, once there are so many: one whose response is awaited is stored after a while. */
export function listedDeliveries(host: OpenHost, count = 1): Promise<readonly Delivery[]> {
  return waitFor(async () => {
    const listed = await host.sender.deliveries.list({ tenantId: 1 })
    return listed.length >= count && listed
  }, `${count} deliveries`)
}
