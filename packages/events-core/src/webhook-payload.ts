import type { EntityTypes } from './entity-types.ts'
import type { JsonValue } from './json.ts'

type EntityNameIn<TType extends string> = TType extends `${infer TName}.${string}` ? TName : string
type DataOf<TName extends string> = TName extends keyof EntityTypes ? EntityTypes[TName] : JsonValue

/** The body of a webhook about one event: what the sender renders and the receiver hands out. */
export interface WebhookPayload<TType extends string = string> {
  /** The event type: entity name, full stop, action. */
  readonly type: TType
  /** When the event was raised: ISO 8601, UTC. */
  readonly timestamp: string
  readonly data: WebhookPayloadData<EntityNameIn<TType>>
}

/** The event itself, inside the {@link WebhookPayload}. */
export interface WebhookPayloadData<TName extends string = string> {
  readonly tenantId: number
  readonly siteId: number
  readonly siteKey: string
  readonly entityName: TName
  readonly entityId: number | string
  readonly action: string
  /** The webhook is a test of the endpoint: nothing has happened. Absent from all others. */
  readonly test?: true
  /** What the raiser attached to the event; absent when it attached nothing. */
  readonly entity?: DataOf<TName>
}
