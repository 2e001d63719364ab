import type { EventEngine, SubscribeOptions } from '@x/events-engine'
import type { WebhookSenderSettings } from '../options.ts'

type Dialect = EventEngine['dialect']

const RENDERED_AT_ONCE = 8
const BATCH_TO_RENDER = 64
/** On SQLite, nothing else happens in the process meanwhile; on PostgreSQL, each batch costs as many round trips. */
const BATCH_SIZES = { sqlite: 250, postgres: 500 }
const CALL_MS = 30_000

/** How fan-out wants its events. */
export function subscriptionOptions(
  { renderOf, renderTimeoutMs, renderRetry, payloadVersions }: WebhookSenderSettings,
  dialect: Dialect,
): Pick<SubscribeOptions, 'batchSize' | 'retry' | 'timeoutMs'> {
  if (!renderOf) {
    // What fails here fails again: a message that is too large. Others should not wait for it.
    return { batchSize: BATCH_SIZES[dialect], retry: { maxAttempts: 3, firstDelayMs: 50 } }
  }
  // Each rendering has a limit of its own; the call as a whole only has to outlast them.
  const renderings = BATCH_TO_RENDER * Math.max(1, payloadVersions.names.length)
  const timeoutMs = CALL_MS + Math.ceil(renderings / RENDERED_AT_ONCE) * renderTimeoutMs
  return { batchSize: BATCH_TO_RENDER, retry: renderRetry, timeoutMs: Math.min(timeoutMs, 2 ** 31 - 1) }
}
