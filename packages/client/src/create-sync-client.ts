import { eventTypeOf, isEventTypePattern, matchesEventType, type SyncEvent } from '@x/events-core'
import { SyncClientError } from './errors.ts'
import { createListeners } from './listeners.ts'
import { resolveSyncClientOptions, type SyncClientOptions } from './options.ts'
import { createPollingTransport } from './polling-transport.ts'
import { concernsSite } from './site-key.ts'
import type { SyncClient, SyncClientStatus, SyncClientStatusChange } from './sync-client.ts'
import type { SyncTransportSink } from './transport.ts'

/** The names of events that are short for a pattern. */
const PATTERN_OF = new Map([
  ['refresh', '*.Refresh'],
  ['reload', '*.Reload'],
  ['entityChanged', '*'],
])

/**
 * Creates a client that learns from a host's sync feed when its state is out of date. It does
 * nothing until it is started or polled.
 *
 * @throws {@link SyncClientError} `invalid_option`, naming the option, the value and the remedy.
 * @example
 * ```ts
 * import { createSyncClient } from '@x/client'
 *
 * const client = createSyncClient({ url: 'https://www.example.com/api/Sync', siteKey: '1:7' })
 * client.on('Page.Update', (event) => fetch(`/api/Page/${event.entityId}`))
 * client.on('statusChanged', ({ status }) => document.body.classList.toggle('offline', status === 'waiting'))
 * client.start()
 * ```
 */
export function createSyncClient(options: SyncClientOptions): SyncClient {
  const settings = resolveSyncClientOptions(options)
  const { logger, site } = settings
  const eventListeners = createListeners<SyncEvent>(listenerFailed)
  const statusListeners = createListeners<SyncClientStatusChange>(listenerFailed)
  const errorListeners = createListeners<SyncClientError>(logListenerError)
  let status: SyncClientStatus = 'idle'

  function logListenerError(error: unknown): void {
    logger.error({ err: error }, 'a listener of the sync client failed')
  }

  function listenerFailed(cause: unknown): void {
    logListenerError(cause)
    errorListeners.notify(
      new SyncClientError('listener_failed', `A listener of the sync client failed: ${cause}`, { cause }),
    )
  }

  function setStatus(
    next: SyncClientStatus,
    details: { error?: SyncClientError; retryInMs?: number } = {},
  ): void {
    if (next === status) return
    const previous = status
    status = next
    statusListeners.notify(Object.freeze({ status: next, previous, ...details }))
  }

  // A poll of a client that is not started is no following: its status stays idle.
  const sink: SyncTransportSink = {
    connecting() {
      if (status === 'waiting') setStatus('connecting')
    },
    connected() {
      if (status !== 'idle') setStatus('live')
    },
    event(event) {
      if (!site || concernsSite(site, event)) eventListeners.notify(event)
    },
    failed(error, retryInMs) {
      logger.warn({ err: error, code: error.code, retryInMs }, 'the sync feed could not be read')
      if (status !== 'idle') setStatus('waiting', { error, retryInMs })
      errorListeners.notify(error)
    },
  }
  const transport = createPollingTransport(settings, sink)

  function on(name: string, listener: (payload: never) => unknown): () => void {
    if (typeof listener !== 'function') {
      throw new SyncClientError('invalid_argument', `on('${name}', listener): listener must be a function`)
    }
    // The names promise what their listeners are called with; only SyncClient['on'] can say it in types.
    if (name === 'statusChanged')
      return statusListeners.add(listener as (payload: SyncClientStatusChange) => unknown)
    if (name === 'error') return errorListeners.add(listener as (payload: SyncClientError) => unknown)
    const pattern = PATTERN_OF.get(name) ?? name
    if (!isEventTypePattern(pattern)) {
      const message = `on('${name}', ...): not a name of the client's nor an event type; say 'refresh', 'Site.Refresh', 'File.*' or '*'`
      throw new SyncClientError('invalid_argument', message)
    }
    return eventListeners.add(listener as (payload: SyncEvent) => unknown, (event) =>
      matchesEventType(pattern, eventTypeOf(event)),
    )
  }

  async function stop(): Promise<void> {
    // The transport first: a listener of the status must not find requests still going.
    const stopped = transport.stop()
    setStatus('idle')
    await stopped
  }

  return {
    get status() {
      return status
    },
    start() {
      if (status !== 'idle') return
      // The transport first: a listener of the status may stop the client.
      transport.start()
      setStatus('connecting')
    },
    stop,
    poll: () => transport.poll(),
    on,
    [Symbol.asyncDispose]: stop,
  }
}
