import type { IServiceScopeFactory, SubscriberContext, SyncEvent } from '@x/events-core'
import { EventEngineError } from '../errors.ts'
import type { EngineObserver } from '../observability/engine-observer.ts'
import { conflictPauseMs, isConflict, isInterruption } from '../sql/database-errors.ts'

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

/**
 * Ends the work on a subscription because of the database, which failed before the subscriber was called.
 */
export class Interruption extends Error {
  constructor(cause: unknown) {
    super('The subscription could not be read from the database.', { cause })
  }
}

/** Whether an error says that the lease has ended, which is no failure of the subscriber. */
export function isLeaseLost(error: unknown): boolean {
  return EventEngineError.is(error) && error.code === 'lease_lost'
}

/** Whether an error ends the work, and counts as no failure of the subscriber. */
export function endsWork(error: unknown): boolean {
  return error instanceof Interruption || isInterruption(error)
}

/** After so many conflicts with other transactions in a row, a try counts as failed. */
const MAX_CONFLICTS = 10

/** Counts the conflicts in a row of one event, or one batch, with other transactions. */
export interface Conflicts {
  /**
   * The pause before a retry that does not count; undefined for an error that counts. A subscriber that always deadlocks
   * uses up its tries in the end.
   */
  pauseMsAfter(error: unknown): number | undefined
}

export function createConflicts(): Conflicts {
  let count = 0
  return {
    pauseMsAfter(error) {
      if (count === MAX_CONFLICTS || !isConflict(error)) return undefined
      count += 1
      return conflictPauseMs(count)
    },
  }
}

/** Ends what is under way once another node, or a person, has taken the subscription. */
export function assertLease(name: string, held: boolean): void {
  if (!held) throw new EventEngineError('lease_lost', `The lease of subscription ${name} has ended.`)
}
