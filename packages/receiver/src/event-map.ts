import type { ContextOf, EventPattern, EventTypeOf, WebhookEvent } from './event-patterns.ts'
import type { StandardSchema } from './standard-schema.ts'

/** An event whose data is known by its type: from a schema, or from a map given to `createReceiver`. */
export interface TypedEvent<TType extends string, TData> {
  readonly type: TType
  readonly timestamp: string
  readonly data: TData
  /** The `webhook-id`, the same for every attempt: what idempotent work is keyed by. */
  readonly id: string
}

type TypesIn<TEvents extends object, TPattern extends string> = Extract<
  keyof TEvents & string,
  EventTypeOf<TPattern>
>

/**
 * The event that a pattern stands for, in a map from event types to their data. Of a wildcard: one of
 * those in the map that it fits. The sender may send others too, now or later, so keep a default branch.
 */
export type EventOf<TEvents extends object, TPattern extends string> = string extends keyof TEvents
  ? TypedEvent<EventTypeOf<TPattern>, TEvents[keyof TEvents]>
  : EventIn<TEvents, TPattern>

type EventIn<TEvents extends object, TPattern extends string> = [TypesIn<TEvents, TPattern>] extends [never]
  ? WebhookEvent<EventTypeOf<TPattern>>
  : { [TType in TypesIn<TEvents, TPattern>]: TypedEvent<TType, TEvents[TType]> }[TypesIn<TEvents, TPattern>]

type BeginningsOf<TType extends string> = TType extends `${infer TFirst}.${infer TRest}`
  ? `${TFirst}.*` | `${TFirst}.${BeginningsOf<TRest>}`
  : never

type EndingsOf<TType extends string> = TType extends `${string}.${infer TRest}`
  ? `*.${TRest}` | EndingsOf<TRest>
  : never

/** What may be listened for where the types of a map are known: they, their patterns, and {@link EventPattern}. */
export type PatternOf<TEvents extends object> =
  | EventPattern
  | (keyof TEvents & string)
  | BeginningsOf<keyof TEvents & string>
  | EndingsOf<keyof TEvents & string>

/** Handles one event. Returning (or a promise that resolves) acknowledges it; throwing has it sent again. */
export type EventHandler<TEvents extends object, TPattern extends string, TTrx = never> = (
  event: EventOf<TEvents, TPattern>,
  context: ContextOf<TTrx>,
) => unknown

/** Schemas by event type, for the `data` of those events. */
export type EventSchemas<TEvents extends object> = {
  readonly [TType in keyof TEvents]?: StandardSchema<TEvents[TType]> | undefined
}
