import type { Clock } from '@x/events-core'

/** Work that is done in order within a key and side by side across keys. */
export interface Lanes<TItem> {
  add(key: string, item: TItem): void
  /** Resolves when nothing is running; what waits for its retry, or for its turn, counts once stopped no more. */
  idle(): Promise<void>
  /** Begins nothing any more. */
  stop(): void
}

/** What became of one try: done, or to be tried again after a pause, at the head of its lane. */
export type TryOutcome = 'done' | { readonly retryAfterMs: number }

interface Lane<TItem> {
  readonly queue: TItem[]
}

/**
 * Creates lanes. An item that pauses before its retry keeps its place in its lane, but none of the
 * slots: it holds up its own key alone.
 *
 * @param handle - one try of one item; it must not reject.
 */
export function createLanes<TItem>(
  concurrency: number,
  clock: Clock,
  handle: (item: TItem) => Promise<TryOutcome>,
): Lanes<TItem> {
  const lanes = new Map<string, Lane<TItem>>()
  const ready: [string, Lane<TItem>][] = []
  const cancelRetries = new Set<() => void>()
  let waitingForIdle: (() => void)[] = []
  let running = 0
  let stopped = false

  async function runHead(key: string, lane: Lane<TItem>): Promise<void> {
    const outcome = await handle(lane.queue[0] as TItem)
    running -= 1
    if (outcome === 'done') {
      lane.queue.shift()
      if (lane.queue.length > 0) ready.push([key, lane])
      else lanes.delete(key)
    } else if (!stopped) {
      const cancel = clock.schedule(() => {
        cancelRetries.delete(cancel)
        ready.push([key, lane])
        pump()
      }, outcome.retryAfterMs)
      cancelRetries.add(cancel)
    }
    pump()
  }

  function pump(): void {
    while (!stopped && running < concurrency) {
      const next = ready.shift()
      if (!next) break
      running += 1
      void runHead(...next)
    }
    if (running === 0 && (stopped || lanes.size === 0)) {
      for (const resolve of waitingForIdle) resolve()
      waitingForIdle = []
    }
  }

  return {
    add(key, item) {
      const lane = lanes.get(key)
      if (lane) {
        lane.queue.push(item)
        return
      }
      const started = { queue: [item] }
      lanes.set(key, started)
      ready.push([key, started])
      pump()
    },
    idle() {
      return new Promise((resolve) => {
        waitingForIdle.push(resolve)
        pump()
      })
    },
    stop() {
      stopped = true
      for (const cancel of cancelRetries) cancel()
      pump()
    },
  }
}
