import { eventTypeOf, isEventTypePattern, matchesEventType, type SyncEvent } from '@x/events-core'
import { createCursor } from './cursor.ts'
import { SyncClientError, thrownText } from './errors.ts'
import { createFeedTransport } from './feed-transport.ts'
import { createListeners } from './listeners.ts'
import { resolveSyncClientOptions, type SyncClientOptions } from './options.ts'
import { concernsSite } from './site-key.ts'
import type { SyncClient, SyncClientState, SyncClientStateChange } from './sync-client.ts'
import type { SyncTransportSink } from './transport.ts'

const LISTENER_FAILED = 'A listener of the sync client failed'

/** The names of events that are short for a pattern. */
const PATTERN_OF = new Map([
  ['refresh', '*.Refresh'],
  ['reload', '*.Reload'],
  ['entityChanged', '*'],
])

/**
 * Creates a client of a host's sync feed, which says when the client's state is out of date. It does nothing until it is
 * started or polled.
 *
 * @throws {@link SyncClientError} `invalid_option`, naming the option, the value and the remedy.
 * @example
 * ```ts
 * import { createSyncClient } from '@x/client'
 *
 * const client = createSyncClient({ url: 'https://www.example.com/api/Sync', siteKey: '1:7' })
 * client.on('Page.Update', (event) => fetch(`/api/Page/${event.entityId}`))
 * client.on('state', ({ state }) => document.body.classList.toggle('offline', state === 'waiting'))
 * client.start()
 * ```
 */
export function createSyncClient(options: SyncClientOptions): SyncClient {
  const settings = resolveSyncClientOptions(options)
  const { logger, site } = settings
  const eventListeners = createListeners<SyncEvent>(listenerFailed)
  const stateListeners = createListeners<SyncClientStateChange>(listenerFailed)
  const errorListeners = createListeners<SyncClientError>(logListenerError)
  let state: SyncClientState = 'idle'

  function logListenerError(error: unknown): void {
    logger?.error({ err: error }, LISTENER_FAILED)
  }

  function listenerFailed(cause: unknown): void {
    logListenerError(cause)
    const message = `${LISTENER_FAILED}: ${thrownText(cause)}`
    errorListeners.notify(new SyncClientError('listener_failed', message, { cause }))
  }

  function setState(
    next: SyncClientState,
    details: { error?: SyncClientError; retryInMs?: number } = {},
  ): void {
    if (next === state) return
    const previous = state
    state = next
    stateListeners.notify(Object.freeze({ state: next, previous, ...details }))
  }

  // A poll of a client that is not started is no following: its state stays idle.
  const sink: SyncTransportSink = {
    connecting() {
      if (state === 'waiting' || state === 'live') setState('connecting')
    },
    connected(mode) {
      if (state !== 'idle') setState(mode)
    },
    event(event) {
      if (!site || concernsSite(site, event)) eventListeners.notify(event)
    },
    moved() {},
    failed(error, retryInMs) {
      logger?.warn({ err: error, code: error.code, retryInMs }, 'the sync feed could not be read')
      if (state !== 'idle' && retryInMs !== undefined) setState('waiting', { error, retryInMs })
      errorListeners.notify(error)
    },
  }
  const cursor = createCursor(settings.lastSyncDate)
  const connect = (to: SyncTransportSink) => createFeedTransport(settings, cursor, to)
  const transport = settings.tabs?.share({ settings, cursor, sink, connect }) ?? connect(sink)

  function on(name: string, listener: (payload: never) => unknown): () => void {
    if (typeof listener !== 'function') {
      throw new SyncClientError('invalid_argument', `on('${name}', listener): listener must be a function`)
    }
    // The names promise what their listeners are called with; only SyncClient['on'] can say it in types.
    if (name === 'state') return stateListeners.add(listener as (payload: SyncClientStateChange) => unknown)
    if (name === 'error') return errorListeners.add(listener as (payload: SyncClientError) => unknown)
    const pattern = PATTERN_OF.get(name) ?? name
    if (!isEventTypePattern(pattern)) {
      const message = `on('${name}'): no such event; say 'refresh', 'Site.Refresh', 'File.*' or '*'`
      throw new SyncClientError('invalid_argument', message)
    }
    return eventListeners.add(listener as (payload: SyncEvent) => unknown, (event) =>
      matchesEventType(pattern, eventTypeOf(event)),
    )
  }

  async function stop(): Promise<void> {
    // The transport first: a listener of the state must not find requests still going.
    const stopped = transport.stop()
    setState('idle')
    await stopped
  }

  return {
    get state() {
      return state
    },
    start() {
      if (state !== 'idle') return
      // The transport first: a listener of the state may stop the client.
      transport.start()
      setState('connecting')
    },
    stop,
    poll: () => transport.poll(),
    on,
    [Symbol.asyncDispose]: stop,
  }
}
