import { formatSyncDate, type Sync, steadyClock } from '@x/events-core'
import { breakable } from './breakable.ts'
import type { Cursor } from './cursor.ts'
import { asSyncClientError, SyncClientError } from './errors.ts'
import { fullJitter } from './full-jitter.ts'
import type { SyncClientSettings } from './options.ts'
import { parseSync } from './parse-sync.ts'
import { request } from './request.ts'
import type { SyncTransport, SyncTransportSink } from './transport.ts'

/** The earliest date. A request with it gets the present sync date, and no events. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/**
 * Requests the events since a date, once.
 *
 * @throws {@link SyncClientError}, the reason of `signal`, or the error that kept the request from being sent.
 */
function fetchSync(
  settings: SyncClientSettings,
  lastSyncDate: Date | undefined,
  outer: AbortSignal,
): Promise<Sync> {
  const { clock, requestTimeoutMs } = settings
  const date = lastSyncDate ? formatSyncDate(lastSyncDate) : MINIMUM_SYNC_DATE
  let cancelTimer = () => {}
  return breakable(outer, async (signal, breakOff) => {
    cancelTimer = clock.schedule(
      () =>
        breakOff(new SyncClientError('timeout', `No response within requestTimeoutMs (${requestTimeoutMs})`)),
      requestTimeoutMs,
    )
    const response = await request(settings, `/${date}`, { accept: 'application/json' }, signal)
    return parseSync(await response.text())
  }).finally(() => cancelTimer())
}

/** A {@link SyncTransport} that a stream tells what the server has asked for. */
export interface PollingTransport extends SyncTransport {
  /** Does not poll for so long, neither by itself nor by hand, as the server's Retry-After asks. */
  leaveAlone(retryAfterMs?: number): void
}

/** Creates a transport that polls `GET {url}/{lastSyncDate}`, one request at a time. */
export function createPollingTransport(
  settings: SyncClientSettings,
  cursor: Cursor,
  sink: SyncTransportSink,
): PollingTransport {
  const { clock, pollIntervalMs } = settings
  const { seen } = cursor
  // A clock that is set back by a day must not silence the client for a day.
  const steady = steadyClock(clock)
  let controller = new AbortController()
  let following = false
  let failures = 0
  let notBefore = 0
  let nextInMs = 0
  let cancelTimer = () => {}
  let running: Promise<boolean> | undefined
  let queued: Promise<boolean> | undefined

  function scheduleNext(delayMs: number): void {
    cancelTimer()
    const { signal } = controller
    cancelTimer = clock.schedule(() => begin(signal), delayMs)
  }

  function begin(signal: AbortSignal): Promise<boolean> {
    const restMs = notBefore - steady.now()
    if (following && restMs > 0) scheduleNext(restMs)
    if (signal.aborted || restMs > 0) return Promise.resolve(false)
    cancelTimer()
    running = ask(signal).finally(() => {
      running = undefined
      if (following) scheduleNext(nextInMs)
    })
    return running
  }

  function leaveAlone(retryAfterMs = 0): void {
    notBefore = Math.max(notBefore, steady.now() + retryAfterMs)
  }

  async function ask(signal: AbortSignal): Promise<boolean> {
    try {
      sink.connecting()
      const sync = await fetchSync(settings, cursor.lastSyncDate, signal)
      failures = 0
      nextInMs = pollIntervalMs
      sink.connected('polling')
      deliver(sync, signal)
      return true
    } catch (error) {
      // The client was stopped, which is no failure to report.
      if (!signal.aborted) fail(error)
      return false
    }
  }

  function deliver(sync: Sync, signal: AbortSignal): void {
    const isFirst = cursor.lastSyncDate === undefined
    for (const event of sync.syncEvents) {
      // A listener has stopped the client: the date stays, so that the rest is sent again after a restart.
      if (signal.aborted) return
      const isNew = seen.add(event.id)
      // A client that starts without a date has just loaded the state after these events.
      if (isNew && !isFirst) sink.event(event)
    }
    cursor.lastSyncDate = sync.syncDate
    cursor.streamSince ??= sync.syncDate
    seen.trim(sync.syncEvents.length)
    sink.moved()
  }

  function fail(error: unknown): void {
    const reported = asSyncClientError(error)
    failures += 1
    leaveAlone(reported.retryAfterMs)
    nextInMs = Math.max(fullJitter(failures, settings), notBefore - steady.now())
    sink.failed(reported, nextInMs)
  }

  function poll(): Promise<boolean> {
    if (queued) return queued
    const { signal } = controller
    if (!running) return begin(signal)
    // The response under way may be older than the change that the caller waits for.
    const mine = running.then(() => {
      if (queued === mine) queued = undefined
      return begin(signal)
    })
    queued = mine
    return mine
  }

  return {
    start() {
      if (following) return
      following = true
      failures = 0
      void poll()
    },
    async stop() {
      following = false
      cancelTimer()
      queued = undefined
      controller.abort()
      controller = new AbortController()
      await running
    },
    poll,
    leaveAlone,
  }
}
