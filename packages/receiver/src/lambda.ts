import type { MountedReceiver } from './mounted-receiver.ts'
import type { ReceiverResponse } from './problem.ts'
import { bodyConsumed, bodyTooLarge } from './read-body.ts'

export type { MountedReceiver } from './mounted-receiver.ts'

/** What API Gateway (REST and HTTP APIs), function URLs and load balancers hand to a function. */
export interface LambdaEvent {
  readonly httpMethod?: string | undefined
  readonly path?: string | undefined
  readonly rawPath?: string | undefined
  readonly rawQueryString?: string | undefined
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null | undefined
  readonly multiValueQueryStringParameters?: Readonly<Record<string, string[] | undefined>> | null | undefined
  readonly headers?: Readonly<Record<string, string | undefined>> | null | undefined
  readonly multiValueHeaders?: Readonly<Record<string, string[] | undefined>> | null | undefined
  readonly body?: string | null | undefined
  readonly isBase64Encoded?: boolean | undefined
  readonly requestContext?: object | null | undefined
}

/** What they take for an answer. */
export interface LambdaAnswer {
  readonly statusCode: number
  readonly headers?: Record<string, string>
  readonly multiValueHeaders?: Record<string, string[]>
  readonly body: string
  readonly isBase64Encoded: false
}

/** A function of AWS Lambda. */
export type LambdaWebhook = (event: LambdaEvent) => Promise<LambdaAnswer>

const ADVICE =
  "Use Lambda's proxy integration, without a mapping template, and no middleware that parses the event's body."

function methodOf({ httpMethod, requestContext }: LambdaEvent): string | undefined {
  const { http } = (requestContext ?? {}) as { readonly http?: { readonly method?: string } }
  return httpMethod ?? http?.method
}

function urlOf(event: LambdaEvent): string | undefined {
  const path = event.path ?? event.rawPath
  const query = event.rawQueryString ?? queryOf(event)
  return path === undefined || query === '' ? path : `${path}?${query}`
}

/** The query where there are but its parameters: API Gateway has decoded them, a load balancer has not. */
function queryOf(event: LambdaEvent): string {
  const { queryStringParameters, multiValueQueryStringParameters, requestContext } = event
  const isEncoded = 'elb' in (requestContext ?? {})
  const encode = (text: string) => (isEncoded ? text : encodeURIComponent(String(text).toWellFormed()))
  const parameters = Object.entries(multiValueQueryStringParameters ?? queryStringParameters ?? {})
  return parameters
    .flatMap(([name, values]) => [values ?? []].flat().map((value) => `${encode(name)}=${encode(value)}`))
    .join('&')
}

// Where both are there, `headers` has only the last of several values.
function headersOf({
  headers,
  multiValueHeaders,
}: LambdaEvent): Record<string, string | string[] | undefined> {
  const several = Object.entries(multiValueHeaders ?? {}).map(([name, values]) => [
    name,
    values?.length === 1 ? values[0] : values,
  ])
  return { ...headers, ...Object.fromEntries(several) }
}

function bodyOf({ body, isBase64Encoded }: LambdaEvent, maxBodyBytes: number): string | Uint8Array {
  if (typeof (body ?? '') !== 'string') throw bodyConsumed(ADVICE)
  if (!body || !isBase64Encoded) return body ?? ''
  if (body.length * 0.75 > maxBodyBytes + 2) throw bodyTooLarge(maxBodyBytes)
  return Buffer.from(body, 'base64')
}

function answerOf(event: LambdaEvent, { status, headers, body }: ReceiverResponse): LambdaAnswer {
  const answer = { statusCode: status, body, isBase64Encoded: false } as const
  // A load balancer that sends only multi-value headers reads no others.
  if (event.headers || !event.multiValueHeaders) return { ...answer, headers: { ...headers } }
  const lists = Object.entries(headers).map(([name, value]) => [name, [value]])
  return { ...answer, multiValueHeaders: Object.fromEntries(lists) }
}

/**
 * Makes a receiver a function of AWS Lambda, behind API Gateway (v1 and v2), a function URL or an
 * application load balancer; bodies in base64 are decoded.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/lambda'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 *
 * export const handler = webhook(receiver)
 * ```
 */
export function webhook(receiver: MountedReceiver): LambdaWebhook {
  return async (given) => {
    // What invokes a function by hand may pass nothing.
    const event: LambdaEvent = Object(given)
    const answer = await receiver.receive({
      method: methodOf(event),
      headers: headersOf(event),
      url: urlOf(event),
      body: async (maxBodyBytes) => bodyOf(event, maxBodyBytes),
    })
    return answerOf(event, answer)
  }
}
