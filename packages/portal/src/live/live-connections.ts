import type { PortalUser } from '../authorize.ts'
import { type Route, route } from '../describe/route.ts'
import { PortalProblem } from '../problem.ts'
import type { ChangeWatcher } from './change-watcher.ts'

/** Streams of server-sent events about what changes. */
export interface LiveConnections {
  /** @throws PortalProblem 429 */
  open(user: PortalUser): Response
}

/** What {@link createLiveConnections} works with. */
export interface LiveConnectionsParts {
  readonly watcher: ChangeWatcher
  /** Ends all of them. */
  readonly signal: AbortSignal | undefined
  /** @defaultValue 16 */
  readonly perUser?: number | undefined
}

const PER_USER = 16
const HEARTBEAT_MS = 15_000
// Then the browser asks anew, and whoever may not see this any more is told so.
const LONGEST_MS = 10 * 60_000

/** Creates the live connections of a portal. */
export function createLiveConnections(parts: LiveConnectionsParts): LiveConnections {
  const { watcher, signal, perUser = PER_USER } = parts
  const counts = new Map<string, number>()
  const encoder = new TextEncoder()

  function enter(user: PortalUser): () => void {
    const key = JSON.stringify([user.tenantId, user.name ?? null])
    const count = counts.get(key) ?? 0
    if (count >= perUser) {
      throw new PortalProblem(
        429,
        'too_many_connections',
        `There are ${count} live connections of this user already; the page looks for changes now and then instead.`,
        { headers: { 'retry-after': '30' } },
      )
    }
    counts.set(key, count + 1)
    return () => {
      const left = (counts.get(key) ?? 1) - 1
      if (left > 0) counts.set(key, left)
      else counts.delete(key)
    }
  }

  return {
    open(user) {
      const leave = enter(user)
      let end = () => {}
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            // Whoever does not read gets no second hint: one is enough to have everything fetched again.
            const send = (text: string) => {
              if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text))
            }
            const stopWatching = watcher.watch(user.tenantId, (change) => {
              send(`event: change\ndata: ${JSON.stringify(change)}\n\n`)
            })
            const heartbeat = setInterval(() => send(': still here\n\n'), HEARTBEAT_MS)
            const timeout = setTimeout(() => close(), LONGEST_MS)
            end = () => {
              end = () => {}
              stopWatching()
              clearInterval(heartbeat)
              clearTimeout(timeout)
              signal?.removeEventListener('abort', close)
              leave()
            }
            const close = () => {
              end()
              controller.close()
            }
            if (signal?.aborted) return close()
            signal?.addEventListener('abort', close)
            send('retry: 3000\n\n')
          },
          cancel: () => end(),
        },
        { highWaterMark: 16 },
      )
      const headers = {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      }
      return new Response(body, { headers })
    },
  }
}

/** The route that tells of changes. */
export function liveRoute(live: LiveConnections): Route {
  return route({
    method: 'GET',
    path: '/api/events',
    role: 'viewer',
    operationId: 'streamChanges',
    summary: 'Hear of changes, by server-sent events',
    description: 'An event `change` names `endpoints` and `deliveries` to fetch anew.',
    response: 'event-stream',
    handle: async ({ user }) => live.open(user),
  })
}
