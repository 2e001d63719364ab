import type { Clock, SyncEvent } from '@x/events-core'
import { errorTypeOf, inCallSpan, type ObservedCall } from './call-span.ts'
import { createInstruments } from './instruments.ts'

/** What an engine has done since it was created. */
export interface EngineCounts {
  /** Events written; also those whose transaction was rolled back afterwards, and none that triggers raised. */
  readonly raised: number
  /** Events handled, once for each subscription. */
  readonly handled: number
  /** Calls of subscribers that failed. */
  readonly failed: number
  /** Events parked. */
  readonly parked: number
}

/** Counts what happens in the engine, and passes it on to OpenTelemetry. */
export interface EngineObserver {
  readonly counts: EngineCounts
  raised(event: SyncEvent): void
  /** Makes one call of a subscriber in a span, and measures its duration. */
  call(call: ObservedCall, work: () => Promise<void>): Promise<void>
  /** Counts events that a subscription has handled for good. */
  handled(subscription: string, events: readonly SyncEvent[]): void
  failed(subscription: string, error: unknown): void
  parked(subscription: string): void
}

const SUBSCRIPTION = 'x_events.subscription'
const ACTION = 'x_events.action'
/** Hosts name their own actions. Those beyond this number are counted together. */
const MAX_ACTIONS = 100

/** Creates the observer of an engine. */
export function createEngineObserver(clock: Clock): EngineObserver {
  const instruments = createInstruments()
  const counts = { raised: 0, handled: 0, failed: 0, parked: 0 }
  const actions = new Map<string, { readonly [ACTION]: string }>()

  function attributesOf(action: string): { readonly [ACTION]: string } {
    const known = actions.get(action)
    if (known) return known
    if (actions.size >= MAX_ACTIONS) return { [ACTION]: '_OTHER' }
    const attributes = { [ACTION]: action }
    actions.set(action, attributes)
    return attributes
  }

  return {
    get counts() {
      return { ...counts }
    },
    raised({ action }) {
      counts.raised += 1
      instruments().raised.add(1, attributesOf(action))
    },
    async call(call, work) {
      const startedAt = performance.now()
      const attributes: Record<string, string> = { [SUBSCRIPTION]: call.subscription }
      try {
        await inCallSpan(call, work)
      } catch (error) {
        attributes['error.type'] = errorTypeOf(error)
        throw error
      } finally {
        instruments().handlingDuration.record((performance.now() - startedAt) / 1_000, attributes)
      }
    },
    handled(subscription, events) {
      counts.handled += events.length
      const { handled, handlingDelay } = instruments()
      const attributes = { [SUBSCRIPTION]: subscription }
      const now = clock.now()
      handled.add(events.length, attributes)
      for (const { modifiedOn } of events) {
        // Another node's clock may be ahead of ours.
        handlingDelay.record(Math.max(0, now - modifiedOn.getTime()) / 1_000, attributes)
      }
    },
    failed(subscription, error) {
      counts.failed += 1
      instruments().failed.add(1, { [SUBSCRIPTION]: subscription, 'error.type': errorTypeOf(error) })
    },
    parked(subscription) {
      counts.parked += 1
      instruments().parked.add(1, { [SUBSCRIPTION]: subscription })
    },
  }
}
