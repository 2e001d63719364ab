import { handshakeAnswer } from '../origin-handshake.ts'
import type { WebhookScheme } from '../protocol.ts'
import { defineScheme } from './define-scheme.ts'
import { at, textAt } from './payload.ts'
import { type SharedSecretPlace, verifyPlace } from './shared-secret-senders.ts'

const ORIGIN = 'eventgrid.azure.net'
const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent'

/**
 * Azure Event Grid, in its own schema and as CloudEvents (type: `Microsoft.Storage.BlobCreated`), one event or several
 * in a request. Event Grid signs nothing: put a code into the URL, or a secret header among the delivery properties.
 * Both validations of a subscription are answered, that by event and that by OPTIONS.
 *
 * @see https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
 * @see https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { eventGrid } from '@x/receiver/schemes'
 *
 * const receiver = createReceiver({ scheme: eventGrid({ code: process.env['EVENT_GRID_CODE']! }) })
 * ```
 */
export function eventGrid(place: SharedSecretPlace): WebhookScheme {
  const verify = verifyPlace('eventGrid', place)
  return defineScheme({
    name: 'eventGrid',
    verify,
    async handshake(request) {
      if (request.method !== 'OPTIONS') return undefined
      // The URL has its code then as well; headers of the subscription's own come with events alone.
      if ('code' in place && !(await verify(request))) return undefined
      return handshakeAnswer(request.headers, { origins: [ORIGIN] })
    },
    challenge({ headers, payload }) {
      const [first] = [payload].flat()
      const code = textAt(first, 'data', 'validationCode')
      const isValidation =
        headers.get('aeg-event-type') === 'SubscriptionValidation' && at(first, 'eventType') === VALIDATION
      if (!isValidation || code === undefined) return undefined
      return {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ validationResponse: code }),
      }
    },
    event: ({ payload }) =>
      [payload].flat().map((data: unknown) => ({
        id: at(data, 'id'),
        type: at(data, 'eventType') ?? at(data, 'type'),
        timestamp: at(data, 'eventTime') ?? at(data, 'time'),
        data,
      })),
  })
}
