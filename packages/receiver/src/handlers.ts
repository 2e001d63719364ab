import { EventsError } from '@x/events-core'
import { ReceiverError, thrownText } from './errors.ts'
import type { WebhookContext, WebhookEvent, WebhookHandler } from './event-patterns.ts'
import { isPromise } from './is-promise.ts'
import { type MatchType, matcherOf } from './type-pattern.ts'

interface Registration {
  readonly matches: MatchType
  readonly handler: WebhookHandler
}

/** The handlers of one receiver, in the order in which they came. */
export interface Handlers {
  add(pattern: string, handler: WebhookHandler): () => void
  /**
   * Calls every handler whose pattern fits, one after the other. The failure of one does not keep
   * the event from the next: all of them see it again when it is sent again.
   *
   * @throws {@link ReceiverError} (`handlers_failed`) when one or more failed.
   */
  call(event: WebhookEvent, context: WebhookContext): Promise<void>
  /** Whether any handler's pattern fits. */
  wants(type: string): boolean
  /**
   * As {@link Handlers.call} in a transaction: the first failure ends it, since it undoes the work of all. It answers at
   * once where the handlers do: some transactions are synchronous.
   */
  callInTransaction(event: WebhookEvent, context: WebhookContext): void | Promise<void>
}

function failed(event: WebhookEvent, failures: readonly unknown[]): ReceiverError {
  const [first] = failures
  const reason = thrownText(first)
  const cause =
    failures.length === 1 ? first : new AggregateError(failures, `${failures.length} handlers failed`)
  return new ReceiverError('handlers_failed', `A handler of ${event.type} (${event.id}) failed: ${reason}`, {
    cause,
  })
}

/** Creates an empty registry. */
export function createHandlers(): Handlers {
  let registrations: readonly Registration[] = []

  function matching(type: string): WebhookHandler[] {
    return registrations.filter(({ matches }) => matches(type)).map(({ handler }) => handler)
  }

  return {
    add(pattern, handler) {
      const matches = matcherOf(pattern)
      if (typeof handler !== 'function') {
        throw new EventsError(
          'invalid_argument',
          `receiver.on: the handler must be a function; got ${typeof handler}`,
        )
      }
      const registration = { matches, handler }
      registrations = [...registrations, registration]
      return () => {
        registrations = registrations.filter((other) => other !== registration)
      }
    },
    wants: (type) => registrations.some(({ matches }) => matches(type)),
    callInTransaction(event, context) {
      const handlers = matching(event.type)
      const fail = (error: unknown): never => {
        throw failed(event, [error])
      }
      const callFrom = (index: number): void | Promise<void> => {
        for (let next = index; next < handlers.length; next++) {
          let result: unknown
          try {
            result = handlers[next]?.(event, context)
          } catch (error) {
            fail(error)
          }
          if (isPromise(result)) return Promise.resolve(result).then(() => callFrom(next + 1), fail)
        }
      }
      return callFrom(0)
    },
    async call(event, context) {
      const failures: unknown[] = []
      for (const handler of matching(event.type)) {
        try {
          await handler(event, context)
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failed(event, failures)
    },
  }
}
