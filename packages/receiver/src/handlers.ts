import { EventsError } from '@x/events-core'
import { ReceiverError } from './errors.ts'
import type { WebhookContext, WebhookEvent, WebhookHandler } from './event-patterns.ts'
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
}

function failed(event: WebhookEvent, failures: readonly unknown[]): ReceiverError {
  const [first] = failures
  const reason = first instanceof Error ? first.message : String(first)
  const cause =
    failures.length === 1 ? first : new AggregateError(failures, `${failures.length} handlers failed`)
  return new ReceiverError('handlers_failed', `A handler of ${event.type} (${event.id}) failed: ${reason}`, {
    cause,
  })
}

/** Creates an empty registry. */
export function createHandlers(): Handlers {
  let registrations: readonly Registration[] = []
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
    async call(event, context) {
      const failures: unknown[] = []
      for (const { matches, handler } of registrations) {
        if (!matches(event.type)) continue
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
