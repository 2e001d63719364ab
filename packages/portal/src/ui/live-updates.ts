import { useSyncExternalStore } from 'react'
import { refresh } from './resources.ts'
import { sessionHeaders } from './session-token.ts'

/** `live`: changes are told as they happen. `polling`: they are looked for now and then. */
export type LiveState = 'connecting' | 'live' | 'polling'

const POLL_MS = 5_000
// Of subscriptions, and of what lies too far back to be told of, nothing is heard.
const ALWAYS_MS = 15_000
const REOPEN_MS = 3_000
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

/**
 * Reads the server's events until they end or are cut. An `EventSource` could not send the header that a session may come
 * with.
 *
 * @returns false where the server has refused.
 */
async function hearChanges(signal: AbortSignal, changed: () => void): Promise<boolean> {
  try {
    const headers = { accept: 'text/event-stream', ...sessionHeaders() }
    const response = await fetch('api/events', { headers, signal, cache: 'no-store' })
    if (!response.ok || !response.body) return false
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value = '' } = await reader.read()
      if (done) return true
      const blocks = (rest + value).split('\n\n')
      rest = blocks.pop() ?? ''
      if (blocks.some((block) => block.startsWith('event: change\n'))) changed()
    }
  } catch {
    return true
  }
}

/** Keeps what is on the page fresh, until it is ended. */
export function startLiveUpdates(): () => void {
  const ended = new AbortController()
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

  async function connect(): Promise<void> {
    const wasOpen = await hearChanges(ended.signal, () => {
      become('live')
      refreshSoon()
    })
    if (ended.signal.aborted) return
    become('polling')
    retry = setTimeout(connect, wasOpen ? REOPEN_MS : RETRY_MS)
  }

  const onShown = () => document.hidden || refreshSoon()
  let ticks = 0
  const timer = setInterval(() => {
    ticks++
    if (state !== 'live' || ticks % (ALWAYS_MS / POLL_MS) === 0) refreshSoon()
  }, POLL_MS)
  document.addEventListener('visibilitychange', onShown)
  void connect()

  return () => {
    ended.abort()
    clearTimeout(retry)
    clearTimeout(pending)
    clearInterval(timer)
    document.removeEventListener('visibilitychange', onShown)
    become('connecting')
  }
}
