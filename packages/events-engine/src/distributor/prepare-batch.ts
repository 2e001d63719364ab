import { EventsError } from '@x/events-core'
import { type CallSettings, callSubscriber, type SubscriberCall } from './call-subscriber.ts'
import type { IBatchEventSubscriber } from './subscription.ts'

/** Preparations are not outdated more often than this in a row. */
const MAX_PREPARATIONS = 5

/** The call that prepares a batch, and the one that handles it. */
export interface BatchCall extends SubscriberCall {
  readonly settings: CallSettings
  readonly signal: AbortSignal
}

/**
 * Calls `prepare` of a batch subscriber outside of any transaction, and then handles the batch. Both are repeated where the
 * preparation turns out to be outdated.
 *
 * @param handle - runs the transaction.
 */
export async function withPrepared<DB>(
  subscriber: IBatchEventSubscriber<DB>,
  call: BatchCall,
  handle: (prepared: unknown) => Promise<void>,
): Promise<void> {
  if (!subscriber.prepare) return handle(undefined)
  for (let preparation = 1; ; preparation++) {
    const prepared = await prepare(subscriber, call)
    try {
      return await handle(prepared)
    } catch (error) {
      if (!isOutdated(error) || preparation === MAX_PREPARATIONS) throw error
    }
  }
}

async function prepare<DB>(
  subscriber: IBatchEventSubscriber<DB>,
  { events, attempt, settings, signal }: BatchCall,
): Promise<unknown> {
  let prepared: unknown
  await callSubscriber(
    async (context) => {
      prepared = await subscriber.prepare?.(events, context)
    },
    { events, attempt },
    settings,
    signal,
  )
  return prepared
}

function isOutdated(error: unknown): boolean {
  return EventsError.is(error) && error.code === 'preparation_outdated'
}
