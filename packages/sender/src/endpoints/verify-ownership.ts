import type { Clock } from '@x/events-core'
import type { DeliveryStore } from '../delivery-store.ts'
import { WebhookSenderError } from '../errors.ts'
import type { EndpointRow } from './fields.ts'
import { notProved } from './ownership.ts'

/** What {@link createOwnershipCheck} works with. */
export interface OwnershipCheckParts {
  readonly store: Pick<DeliveryStore, 'proveOwnership'>
  readonly clock: Clock
  /** Asks the owner of an endpoint's URL. */
  challenge(endpoint: EndpointRow): Promise<void>
  /** Called when the endpoint has changed. */
  changed(endpointKey: number): void
}

/** Finds out who owns the URL of an endpoint. */
export interface OwnershipCheck {
  /** @throws WebhookSenderError `ownership_not_proved` */
  verify(endpoint: EndpointRow): Promise<void>
  /** The same where the owner should be able to answer by now; if it does not, the endpoint stays as it is. */
  tryTo(endpoint: EndpointRow): Promise<void>
}

/** Creates what asks, and lets endpoints receive that have answered. */
export function createOwnershipCheck({
  store,
  clock,
  challenge,
  changed,
}: OwnershipCheckParts): OwnershipCheck {
  async function verify(row: EndpointRow): Promise<void> {
    if (row.ownership === 'verified') return
    await challenge(row)
    if (!(await store.proveOwnership(row.key, row.url, clock.now()))) {
      throw notProved(row.id, 'it has another url by now.')
    }
    changed(row.key)
  }

  return {
    verify,
    async tryTo(row) {
      try {
        await verify(row)
      } catch (error) {
        if (!WebhookSenderError.is(error) || error.code !== 'ownership_not_proved') throw error
      }
    },
  }
}
