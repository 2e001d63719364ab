import { useSyncExternalStore } from 'react'
import { refresh } from './resources.ts'

/** `live`: changes are told as they happen. `polling`: they are looked for now and then. */
export type LiveState = 'connecting' | 'live' | 'polling'

const POLL_MS = 5_000
// Of subscriptions, and of what lies too far back to be told of, nothing is heard.
const ALWAYS_MS = 15_000
const RETRY_MS = 30_000
const AT_MOST_EVERY_MS = 400

let state: LiveState = 'connecting'
const listeners = new Set<() => void>()

function become(next: LiveState): void {
  if (state === next) return
  state = next
  for (const listener of listeners) listener()
}

/** How the page learns of changes just now. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => state,
  )
}

/** Keeps what is on the page fresh, until it is ended. */
export function startLiveUpdates(): () => void {
  let source: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let pending: ReturnType<typeof setTimeout> | undefined
  let refreshedAt = 0

  const refreshSoon = () => {
    pending ??= setTimeout(
      () => {
        pending = undefined
        refreshedAt = performance.now()
        if (!document.hidden) refresh()
      },
      Math.max(0, refreshedAt + AT_MOST_EVERY_MS - performance.now()),
    )
  }

  function connect(): void {
    source = new EventSource('api/events')
    source.addEventListener('change', () => {
      become('live')
      refreshSoon()
    })
    source.onerror = () => {
      become('polling')
      // Refused for good, unlike one that was merely cut, which the browser opens again by itself.
      if (source?.readyState !== EventSource.CLOSED) return
      clearTimeout(retry)
      retry = setTimeout(connect, RETRY_MS)
    }
  }

  const onShown = () => document.hidden || refreshSoon()
  let ticks = 0
  const timer = setInterval(() => {
    ticks++
    if (state !== 'live' || ticks % (ALWAYS_MS / POLL_MS) === 0) refreshSoon()
  }, POLL_MS)
  document.addEventListener('visibilitychange', onShown)
  connect()

  return () => {
    source?.close()
    clearTimeout(retry)
    clearTimeout(pending)
    clearInterval(timer)
    document.removeEventListener('visibilitychange', onShown)
    become('connecting')
  }
}
