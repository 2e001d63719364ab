import type { IServiceScopeFactory, SubscriberContext, SyncEvent } from '@x/events-core'
import { EventEngineError } from '../errors.ts'
import type { EngineObserver } from '../observability/engine-observer.ts'

/** The events of a call. */
export interface SubscriberCall {
  readonly events: readonly SyncEvent[]
  readonly attempt: number
}

/** The settings of the calls of one subscription. */
export interface CallSettings {
  readonly subscription: string
  /** Undefined for the engine's own listeners, which are not observed. */
  readonly observer: EngineObserver | undefined
  readonly services: IServiceScopeFactory | undefined
  /** Longest time for one call, in milliseconds. */
  readonly timeoutMs: number
  /** Longest time that a call may continue after the engine was stopped, in milliseconds. */
  readonly stopTimeoutMs: number
}

/**
 * Makes one call in a service scope of its own, with a signal that is aborted when the engine stops or the time is over. A
 * call that ignores its signal is abandoned, so that it holds up no other.
 */
export async function callSubscriber(
  call: (context: SubscriberContext) => void | Promise<void>,
  { events, attempt }: SubscriberCall,
  settings: CallSettings,
  stopSignal: AbortSignal,
): Promise<void> {
  const { observer, subscription } = settings
  const guarded = () => callGuarded(call, attempt, settings, stopSignal)
  if (!observer) return guarded()
  return observer.call({ subscription, events, attempt, signal: stopSignal }, guarded)
}

async function callGuarded(
  call: (context: SubscriberContext) => void | Promise<void>,
  attempt: number,
  { services, timeoutMs, stopTimeoutMs }: CallSettings,
  stopSignal: AbortSignal,
): Promise<void> {
  const { promise: abandoned, reject: abandon } = Promise.withResolvers<never>()
  const timeout = new AbortController()
  const signal = AbortSignal.any([stopSignal, timeout.signal])

  async function callInScope(): Promise<void> {
    if (!services) return call({ signal, attempt })
    await using scope = services.createScope()
    await call({ signal, attempt, scope })
  }
  const onTimeout = () => {
    const error = new EventEngineError(
      'handler_timeout',
      `The subscriber did not finish within ${timeoutMs} ms; make it quicker or raise options.timeoutMs.`,
    )
    timeout.abort(error)
    abandon(error)
  }
  let timer = setTimeout(onTimeout, timeoutMs)
  const onStop = () => {
    clearTimeout(timer)
    const error = new EventEngineError(
      'stopped',
      `The engine stopped, and the subscriber did not within ${stopTimeoutMs} ms; let it heed context.signal.`,
    )
    timer = setTimeout(abandon, stopTimeoutMs, error)
  }
  if (stopSignal.aborted) onStop()
  else stopSignal.addEventListener('abort', onStop, { once: true })

  const called = callInScope()
  // An error of an abandoned call is dropped.
  called.catch(() => {})
  abandoned.catch(() => {})
  try {
    await Promise.race([called, abandoned])
  } finally {
    clearTimeout(timer)
    stopSignal.removeEventListener('abort', onStop)
  }
}
