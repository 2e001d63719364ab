import type { EventEngine } from '@x/events-engine'
import { internalsOf } from '@x/events-engine/support'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import type { WebhookSenderSettings } from '../settings.ts'
import { type Composer, createComposer } from './compose.ts'
import { createRenderings, type Renderings } from './renderings.ts'
import { createRaiseCheck } from './validation.ts'

/** What makes the messages of one fan-out. */
export interface Messages {
  readonly composer: Composer
  /** Undefined where nothing is rendered. */
  readonly renderings: Renderings | undefined
}

/**
 * Has the engine refuse what could never be sent, if that is wanted.
 *
 * @returns what creates such makers: one for each fan-out, since one must not drop what the other has rendered.
 */
export function createMessageMakers<DB>(
  engine: EventEngine<DB>,
  settings: WebhookSenderSettings,
  catalog: EventCatalog,
): () => Messages {
  const { validate, renderOf } = settings
  if (validate === 'refuse') internalsOf(engine).checkRaises(createRaiseCheck(catalog, renderOf))
  return () => {
    const renderings = createRenderings({ ...settings, services: engine.services })
    const composer = createComposer({
      settings,
      catalog,
      validates: validate !== 'off',
      renderOf,
      renderings,
    })
    return { composer, renderings: renderOf && renderings }
  }
}
