import type { JsonValue, SyncEvent } from '@x/events-core'
import { type RenderSettings, type RenderTask, renderEntity } from './render-entity.ts'

/** What was rendered and is not stored yet. */
export interface Renderings {
  /** Renders what is not there yet. Where one fails, what the others gave is kept for the next try. */
  render(tasks: readonly RenderTask[], signal: AbortSignal): Promise<void>
  has(eventId: string, payloadVersion: string | null): boolean
  get(eventId: string, payloadVersion: string | null): JsonValue | undefined
  /** They are in a transaction now; should that fail, they are rendered again. */
  forget(events: Iterable<SyncEvent>): void
}

const AT_ONCE = 8
/** Of events that fail for another reason something may stay behind: not for ever. */
const MAX_KEPT = 1_000

/** Creates a place for renderings. */
export function createRenderings(settings: RenderSettings): Renderings {
  const kept = new Map<string, Map<string | null, JsonValue | undefined>>()

  function keep({ event, payloadVersion }: RenderTask, rendered: JsonValue | undefined): void {
    const ofEvent = kept.get(event.id) ?? new Map<string | null, JsonValue | undefined>()
    kept.set(event.id, ofEvent.set(payloadVersion, rendered))
  }

  const has = (eventId: string, payloadVersion: string | null) =>
    kept.get(eventId)?.has(payloadVersion) ?? false

  return {
    async render(tasks, signal) {
      if (kept.size > MAX_KEPT) kept.clear()
      const waiting = tasks.filter(({ event, payloadVersion }) => !has(event.id, payloadVersion)).values()
      let failed = false

      async function work(): Promise<void> {
        for (const task of waiting) {
          if (failed) return
          try {
            keep(task, await renderEntity(task, settings, signal))
          } catch (error) {
            failed = true
            throw error
          }
        }
      }

      const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, work))
      const rejected = workers.find(({ status }) => status === 'rejected')
      if (rejected) throw (rejected as PromiseRejectedResult).reason
    },
    has,
    get: (eventId, payloadVersion) => kept.get(eventId)?.get(payloadVersion),
    forget(events) {
      for (const { id } of events) kept.delete(id)
    },
  }
}
