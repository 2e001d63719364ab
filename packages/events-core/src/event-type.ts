import type { WhereActionsAre } from './action-types.ts'
import type { EntityName } from './entity-names.ts'
import type { KnownAction, OperationalAction } from './sync-event-actions.ts'

/**
 * The name of an event's type, as webhooks and filters use it.
 *
 * @example
 * ```ts
 * import { eventTypeOf } from '@x/events-core'
 *
 * eventTypeOf({ entityName: 'File', action: 'Download' }) // 'File.Download'
 * ```
 */
export function eventTypeOf(event: { readonly entityName: string; readonly action: string }): string {
  return `${event.entityName}.${event.action}`
}

/** What the sender raises events about, beside the entities of the host. */
type OperationalEntityName = 'Webhook' | 'WebhookDelivery' | 'WebhookEndpoint'

/** The event types of known entities and actions, and those that the sender raises about its own work. */
export type KnownEventType = `${EntityName}.${KnownAction}` | `${OperationalEntityName}.${OperationalAction}`

/** The patterns of {@link KnownEventType}: those that an editor suggests. */
export type KnownEventPattern =
  | '*'
  | '*.*'
  | `${EntityName | OperationalEntityName}.*`
  | `*.${KnownAction}`
  | KnownEventType

/** An event type; one of known names once the host has closed the set of actions with `ActionTypes`. */
export type EventTypeName = WhereActionsAre<string, KnownEventType>

/**
 * An event type or a pattern of them; one of known names once the host has closed the set of actions with
 * `ActionTypes`.
 */
export type EventTypePattern = WhereActionsAre<string, KnownEventPattern>

const MEMBER = '[A-Za-z0-9_][A-Za-z0-9_:-]{0,99}'
const EVENT_TYPE = /* @__PURE__ */ new RegExp(`^${MEMBER}\\.${MEMBER}$`)
const EVENT_TYPE_PATTERN = /* @__PURE__ */ new RegExp(`^(\\*|(?:\\*|${MEMBER})\\.(?:\\*|${MEMBER}))$`)
const NAME = /* @__PURE__ */ new RegExp(`^${MEMBER}$`)

/**
 * Whether a string can be an entity name or an action: letters, digits, `_`, `-` and `:`, at most 100,
 * not starting with `-` or `:`. A full stop is not allowed, since it separates the two in an event type.
 */
export function isEventTypeMember(value: string): boolean {
  return NAME.test(value)
}

/** Whether a string is an event type: `File.Download`. */
export function isEventType(value: string): boolean {
  return EVENT_TYPE.test(value)
}

/** Whether a string is an event type or a pattern of them: `File.Download`, `File.*`, `*.Delete`, `*`. */
export function isEventTypePattern(value: string): boolean {
  return EVENT_TYPE_PATTERN.test(value)
}

/**
 * Whether an event type is meant by a pattern. A star stands for one whole part; a lone star for
 * every type. Filters of subscriptions, endpoints and receivers' handlers all use this one function.
 *
 * @example
 * ```ts
 * import { matchesEventType } from '@x/events-core'
 *
 * matchesEventType('File.*', 'File.Download') // true
 * matchesEventType('*.Delete', 'File.Download') // false
 * ```
 */
export function matchesEventType(pattern: string, eventType: string): boolean {
  if (pattern === '*' || pattern === eventType) return true
  if (pattern === '*.*') return eventType.includes('.')
  if (pattern.endsWith('.*')) return eventType.startsWith(pattern.slice(0, -1))
  if (pattern.startsWith('*.')) return eventType.endsWith(pattern.slice(1))
  return false
}
