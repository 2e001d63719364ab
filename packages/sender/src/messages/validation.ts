import { eventTypeOf, type SyncEvent } from '@x/events-core'
import { assertOption, WebhookSenderError } from '../errors.ts'
import { isBuiltIn } from '../event-types/built-in-event-types.ts'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import type { RenderOf } from './render.ts'

/** When what webhooks carry is compared with the catalog; see `WebhookSenderOptions.validate`. */
export type Validation = 'off' | 'park' | 'refuse'

/** @throws WebhookSenderError `invalid_option` */
export function readValidation(validate: Validation = 'off'): Validation {
  const isKnown = validate === 'off' || validate === 'park' || validate === 'refuse'
  assertOption(isKnown, 'validate', "'off', 'park' or 'refuse'", validate)
  return validate
}

/** @throws WebhookSenderError `invalid_payload` */
export function refuseMisfits(about: string, misfits: readonly string[]): void {
  if (misfits.length === 0) return
  throw new WebhookSenderError(
    'invalid_payload',
    `${about} does not fit its schema in the catalog of webhooks: ${misfits.join('; ')}.`,
  )
}

/**
 * Creates what refuses events while they are raised. What will be rendered is not known by then: it is compared when
 * it is.
 */
export function createRaiseCheck(catalog: Pick<EventCatalog, 'misfitsOf'>, renderOf: RenderOf | undefined) {
  return (event: SyncEvent): void => {
    const eventType = eventTypeOf(event)
    if (isBuiltIn(event) || renderOf?.(eventType)) return
    refuseMisfits(`addSyncEvent: the data of ${eventType}`, catalog.misfitsOf(eventType, null, event.data))
  }
}
