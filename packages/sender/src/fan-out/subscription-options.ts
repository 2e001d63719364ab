import type { SubscribeOptions } from '@x/events-engine'
import type { SqlDialect } from '@x/events-engine/internal'
import type { WebhookSenderSettings } from '../options.ts'

const RENDERED_AT_ONCE = 8
const BATCH_TO_RENDER = 64
/** In a local database, nothing else happens in the process meanwhile; elsewhere, each batch costs as many round trips. */
const LOCAL_BATCH = 250
const BATCH = 500
const CALL_MS = 30_000

/** How fan-out wants its events. */
export function subscriptionOptions(
  { renderOf, renderTimeoutMs, renderRetry, payloadVersions }: WebhookSenderSettings,
  { isLocal }: SqlDialect,
): Pick<SubscribeOptions, 'batchSize' | 'retry' | 'timeoutMs'> {
  if (!renderOf) {
    // What fails here fails again: a message that is too large. Others should not wait for it.
    return { batchSize: isLocal ? LOCAL_BATCH : BATCH, retry: { maxAttempts: 3, firstDelayMs: 50 } }
  }
  // Each rendering has a limit of its own; the call as a whole only has to outlast them.
  const renderings = BATCH_TO_RENDER * Math.max(1, payloadVersions.names.length)
  const timeoutMs = CALL_MS + Math.ceil(renderings / RENDERED_AT_ONCE) * renderTimeoutMs
  return { batchSize: BATCH_TO_RENDER, retry: renderRetry, timeoutMs: Math.min(timeoutMs, 2 ** 31 - 1) }
}
