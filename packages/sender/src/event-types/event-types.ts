import type { FieldNames } from '@x/events-core'
import { assertArgument } from '../errors.ts'
import { BUILT_IN_EVENT_TYPES } from './built-in-event-types.ts'
import type { EventCatalog } from './event-catalog.ts'
import type { DefineEventType, EventType } from './event-type.ts'
import { type OpenApiDocument, type OpenApiOptions, openApiOf } from './open-api.ts'

/** Which types to list. */
export interface ListEventTypes {
  /**
   * Also those that the sender raises about its own work.
   * @defaultValue false
   */
  readonly builtIn?: boolean | undefined
}

/**
 * The catalog of what consumers can subscribe to. It is defined in code when the host starts, in each process, and
 * lies in memory: the code that raises the events is the truth about them.
 *
 * @example
 * ```ts
 * import type { WebhookSender } from '@x/sender'
 *
 * function defineEventTypes(sender: WebhookSender): void {
 *   sender.eventTypes.define({
 *     type: 'File.Download',
 *     description: 'A file was downloaded.',
 *     schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
 *     example: { name: 'report.pdf' },
 *   })
 * }
 * ```
 */
export interface EventTypes {
  /**
   * Defines a type. From the first one on, endpoints may only name types and patterns that match a defined one; those
   * of the sender's own work are always known. To define one again with the same meaning does nothing.
   *
   * @throws WebhookSenderError `invalid_event_type`, also for an example that does not fit the schema;
   *   `event_type_conflict` for another meaning.
   */
  define(eventType: DefineEventType): EventType
  /** The defined types, by name, and then those of the sender if they are asked for. Empty: there is no catalog. */
  list(query?: ListEventTypes): readonly EventType[]
  /** One type, also of the sender's own. */
  get(type: string): EventType | undefined
  /**
   * Describes the catalog as an OpenAPI 3.1 document with `webhooks`, for consumers to read and to make types of.
   *
   * @throws WebhookSenderError `invalid_argument`
   */
  openApi(options: OpenApiOptions): OpenApiDocument
}

const LIST: FieldNames<ListEventTypes> = {
  builtIn: true,
}
const OPEN_API: FieldNames<OpenApiOptions> = {
  title: true,
  version: true,
  description: true,
  payloadVersion: true,
  builtIn: true,
}

/** Creates the face of a catalog. */
export function createEventTypes(catalog: EventCatalog, payloadVersions: readonly string[]): EventTypes {
  const all = (builtIn: boolean) => [...catalog.all(), ...(builtIn ? BUILT_IN_EVENT_TYPES : [])]
  return {
    define: catalog.define,
    list(query) {
      const { builtIn = false } = assertArgument.fields('', query, LIST)
      return all(assertArgument.boolean('builtIn', builtIn))
    },
    openApi(options) {
      const given = assertArgument.fields('', options, OPEN_API)
      return openApiOf(all(assertArgument.boolean('builtIn', given.builtIn ?? false)), given, payloadVersions)
    },
    get: catalog.get,
  }
}
