import {
  type EventTypePattern,
  eventTypeOf,
  type FieldNames,
  type SyncEvent,
  type WebhookPayload,
} from '@x/events-core'
import type { LogReader } from '@x/events-engine/internal'
import type { EndpointFilterRow } from '../endpoints/fields.ts'
import {
  type EndpointRules,
  validateEventTypes,
  validatePayloadVersion,
  validateSiteId,
  validateTenantId,
} from '../endpoints/validate.ts'
import { assertArgument } from '../errors.ts'
import type { Messages } from '../messages/compose.ts'
import { createTurns } from '../turns.ts'
import { compileContentFilter, FilterTooCostly } from './compile-filter.ts'
import type { CompiledFilter, ContentFilter } from './content-filter.ts'
import { createEndpointMatcher } from './fan-out.ts'
import { assertFitsSchemas } from './filter-schema.ts'

/** A filter to try, and the rest of what decides which events an endpoint gets. */
export interface TestFilter {
  readonly tenantId: number
  readonly filter: ContentFilter
  /** @defaultValue ['*'] */
  readonly eventTypes?: readonly EventTypePattern[] | undefined
  /** @defaultValue every site of the tenant */
  readonly siteId?: number | null | undefined
  /** @defaultValue the sender's `defaultPayloadVersion` */
  readonly payloadVersion?: string | null | undefined
  /**
   * Most events to try it on, 1 to 100; fewer where their data is more than about 4 MB.
   * @defaultValue 100
   */
  readonly limit?: number | undefined
}

/** An event that a filter was tried on. */
export interface TestedEvent {
  /** `evt_...`, the `webhook-id` of its message. */
  readonly id: string
  readonly eventType: string
  readonly modifiedOn: Date
  readonly entityName: string
  readonly entityId: number | string
  readonly matches: boolean
  /** What the filter has seen; absent where no message can be made of the event. */
  readonly message?: WebhookPayload
  /** Why nothing matches: no message can be made of the event, or the filter takes too many steps. */
  readonly failure?: 'no_message' | 'too_costly'
}

/** Tries a filter on events that a tenant has had. */
export type FilterTrial = (query: TestFilter) => Promise<readonly TestedEvent[]>

/** What {@link createFilterTrial} works with. */
export interface FilterTrialParts {
  readonly rules: EndpointRules
  readonly log: LogReader
  createMessages(): Messages
}

const QUERY: FieldNames<TestFilter> = {
  tenantId: true,
  filter: true,
  eventTypes: true,
  siteId: 'nullable',
  payloadVersion: 'nullable',
  limit: true,
}
const MAX_EVENTS = 100
/** Renderings of the host's, which may read its database. */
const AT_ONCE = 8

/** Creates what tries filters. */
export function createFilterTrial({ rules, log, createMessages }: FilterTrialParts): FilterTrial {
  return async (query) => {
    const {
      tenantId,
      filter,
      eventTypes = ['*'],
      siteId = null,
      payloadVersion,
      limit = MAX_EVENTS,
    } = assertArgument.fields('', query, QUERY)
    const versions = rules.payloadVersions
    const endpoint: EndpointFilterRow = {
      key: 0,
      id: '',
      tenantId: validateTenantId(tenantId),
      siteId: validateSiteId(siteId),
      eventTypes: validateEventTypes(eventTypes, rules),
      filter: null,
      ordering: 'none',
      retrySchedule: null,
      format: 'standard',
      sequence: false,
      isPull: false,
      payloadVersion:
        payloadVersion === undefined ? versions.initial : validatePayloadVersion(payloadVersion, versions),
    }
    const most = assertArgument.integer('limit', limit, 1, MAX_EVENTS)
    const compiled = compileContentFilter(filter)
    const version = versions.of(endpoint.payloadVersion)
    assertFitsSchemas(compiled, rules.catalog.contentsOf(endpoint.eventTypes, version))

    const { match } = createEndpointMatcher([endpoint])
    const wants = (event: SyncEvent) => match(event, eventTypeOf(event)).length > 0
    const found = await log.search({ tenantId, limit: most, wants })
    const events = await log.load(found.events)
    const messages = createMessages()
    const tested: TestedEvent[] = []
    const endLongTurn = createTurns()
    for (let begin = 0; begin < events.length; begin += AT_ONCE) {
      const some = events.slice(begin, begin + AT_ONCE)
      const rendered = await Promise.all(some.map((event) => isRendered(event, endpoint, messages)))
      for (const [index, event] of some.entries()) {
        // Composing, parsing and filtering one event after the other is to hold nobody up.
        const turn = endLongTurn()
        if (turn) await turn
        const message = rendered[index] ? messageAbout(event, endpoint, messages) : undefined
        tested.push(tryOn(event, message, compiled))
      }
    }
    return tested
  }
}

function tryOn(event: SyncEvent, message: WebhookPayload | undefined, compiled: CompiledFilter): TestedEvent {
  const { id, modifiedOn, entityName, entityId } = event
  const about = { id, eventType: eventTypeOf(event), modifiedOn, entityName, entityId }
  if (!message) return { ...about, matches: false, failure: 'no_message' }
  try {
    return { ...about, matches: compiled.matches(message), message }
  } catch (error) {
    if (!(error instanceof FilterTooCostly)) throw error
    return { ...about, matches: false, message, failure: 'too_costly' }
  }
}

/** Renders an event where the host does that; false where it fails. */
async function isRendered(
  event: SyncEvent,
  endpoint: EndpointFilterRow,
  { composer, renderings }: Messages,
): Promise<boolean> {
  try {
    const tasks = composer.tasks(event, eventTypeOf(event), [endpoint])
    await renderings?.render(tasks, new AbortController().signal)
    return true
  } catch {
    return false
  }
}

/** Undefined where no message can be made of the event. */
function messageAbout(
  event: SyncEvent,
  endpoint: EndpointFilterRow,
  { composer }: Messages,
): WebhookPayload | undefined {
  try {
    const [message] = composer.compose(event, eventTypeOf(event), [endpoint])
    return message && (JSON.parse(message.body) as WebhookPayload)
  } catch {
    return undefined
  }
}
