import type { EventEngine } from '@x/events-engine'
import { checkRaises } from '@x/events-engine/support'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import type { WebhookSenderSettings } from '../options.ts'
import { type Composer, createComposer } from './compose.ts'
import { createRenderings, type Renderings } from './renderings.ts'
import { createRaiseCheck } from './validation.ts'

/** What makes a sender's messages. */
export interface Messages {
  readonly composer: Composer
  /** Undefined where nothing is rendered. */
  readonly renderings: Renderings | undefined
}

/** Creates it, and has the engine refuse what could never be sent, if that is wanted. */
export function createMessages<DB>(
  engine: EventEngine<DB>,
  settings: WebhookSenderSettings,
  catalog: EventCatalog,
): Messages {
  const { validate, renderOf } = settings
  const renderings = createRenderings({ ...settings, services: engine.services })
  const composer = createComposer({ settings, catalog, validates: validate !== 'off', renderOf, renderings })
  if (validate === 'refuse') checkRaises(engine, createRaiseCheck(catalog, renderOf))
  return { composer, renderings: renderOf && renderings }
}
