type BodyOf<TWebhook> = TWebhook extends { readonly post: { readonly requestBody?: infer TRequest } }
  ? NonNullable<TRequest> extends { readonly content: { readonly 'application/json': infer TBody } }
    ? TBody
    : never
  : never

type NameOf<TKey extends string, TBody> = TBody extends { readonly type: infer TType extends string }
  ? string extends TType
    ? TKey
    : TType
  : TKey

/**
 * The map of event types that a sender's OpenAPI document describes, from the `webhooks` interface that
 * openapi-typescript makes of it: for `createReceiver`.
 *
 * @example
 * ```ts
 * import { createReceiver, type EventsOfWebhooks, generateSecret } from '@x/receiver'
 *
 * // import type { webhooks } from './sender.ts'
 * interface webhooks {
 *   'Invoice.Create': {
 *     post: { requestBody: { content: { 'application/json': { type: 'Invoice.Create'; data: { total: string } } } } }
 *   }
 * }
 *
 * const receiver = createReceiver<EventsOfWebhooks<webhooks>>({ secrets: generateSecret() })
 * receiver.on('Invoice.Create', (event) => event.data.total)
 * ```
 */
export type EventsOfWebhooks<TWebhooks extends object> = {
  [TKey in keyof TWebhooks & string as NameOf<TKey, BodyOf<TWebhooks[TKey]>>]: BodyOf<
    TWebhooks[TKey]
  > extends { readonly data: infer TData }
    ? TData
    : unknown
}
