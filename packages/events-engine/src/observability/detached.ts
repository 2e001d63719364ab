import { AsyncResource } from 'node:async_hooks'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'

/**
 * Runs what goes on in the background outside of the trace, and of any other asynchronous context, of
 * whoever happens to set it off: the queries of a poll are no part of the request that raised an event.
 */
export const detached: <TResult>(work: () => TResult) => TResult = AsyncResource.bind(
  <TResult>(work: () => TResult) => context.with(ROOT_CONTEXT, work),
)
