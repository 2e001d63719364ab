import type { KnownEventPattern, WebhookPayload, WhereActionsAre } from '@x/events-core'

/**
 * What may be listened for: any well-formed type or pattern, known or not; only known ones where a host has closed the
 * set of actions with `ActionTypes` of `@x/events-core`.
 */
export type EventPattern = WhereActionsAre<KnownEventPattern | (string & {}), KnownEventPattern>

/** The event types that a pattern stands for: `` `File.${string}` `` for `File.*`. */
export type EventTypeOf<TPattern extends string> = TPattern extends '*' | '*.*'
  ? string
  : TPattern extends `*.${infer TAction}`
    ? `${string}.${TAction}`
    : TPattern extends `${infer TName}.*`
      ? `${TName}.${string}`
      : TPattern

/**
 * A verified event, as handlers get it: the body of the webhook and its id.
 *
 * That it comes from the sender is proved; that its `data` has the shape of its type is the sender's word.
 */
export type WebhookEvent<TType extends string = string> = WebhookPayload<TType> & {
  /** The `webhook-id`, the same for every attempt: what idempotent work is keyed by. */
  readonly id: string
}

/** What surrounds one call of the handlers: the attempt that brought the event. */
export interface WebhookContext {
  /** The `webhook-id`, as in `event.id`. */
  readonly id: string
  /** When this attempt was signed; `event.timestamp` is when the event was raised. */
  readonly timestamp: Date
  /**
   * All headers of this attempt. Only the three of the signature are proved; any other, `traceparent` or `ce-type` too,
   * may come from whoever handed the request on. Decide nothing by them that a forger could gain from.
   */
  readonly headers: Headers
  /** The bytes that were signed. */
  readonly rawBody: Uint8Array
  /**
   * Aborted when the sender no longer waits (it hung up, or `handlerTimeoutMs` is over), and so will
   * send the message again: pass it on to whatever takes long.
   */
  readonly signal: AbortSignal
}

/**
 * {@link WebhookContext} with the transaction of an inbox, where the receiver has one.
 *
 * @typeParam TTrx - what the inbox gives; `never` without one.
 */
export type ContextOf<TTrx> = [TTrx] extends [never]
  ? WebhookContext
  : WebhookContext & {
      /**
       * The transaction in which the message is marked as handled. What is written through it is committed with the
       * mark once all handlers are done, and rolled back when one throws. Of no use afterwards.
       */
      readonly trx: TTrx
    }

/** Handles one event. Returning (or a promise that resolves) acknowledges it; throwing has it sent again. */
export type WebhookHandler<TPattern extends string = string, TTrx = never> = (
  event: WebhookEvent<EventTypeOf<TPattern>>,
  context: ContextOf<TTrx>,
) => unknown
