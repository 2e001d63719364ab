import type { IncomingMessage, RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createReceiver } from '../src/index.ts'
import { type LambdaEvent, type MountedReceiver, webhook } from '../src/lambda.ts'
import { signedHeaders } from '../src/testing.ts'
import { adapterContract } from './adapter-contract.ts'
import { payloadOf, secret } from './messages.ts'
import { serve } from './socket.ts'

type EventOf = (request: IncomingMessage, body: Buffer) => LambdaEvent

// API Gateway and load balancers hand on text as text, where it is text.
function bodyOf(body: Buffer, alwaysBase64: boolean): Pick<LambdaEvent, 'body' | 'isBase64Encoded'> {
  if (body.length === 0) return { body: null, isBase64Encoded: false }
  const text = body.toString()
  return alwaysBase64 || !Buffer.from(text).equals(body)
    ? { body: body.toString('base64'), isBase64Encoded: true }
    : { body: text, isBase64Encoded: false }
}

function lists(request: IncomingMessage): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at)
    found[name] = [...(found[name] ?? []), value]
  }
  return found
}

// API Gateway hands on the parameters decoded, a load balancer as they were sent.
function query(request: IncomingMessage, decode = true): Record<string, string[]> {
  const [, text = ''] = (request.url ?? '').split('?')
  const found: Record<string, string[]> = {}
  for (const pair of text.split('&').filter((one) => one !== '')) {
    const [name = '', value = ''] = pair.split('=').map((part) => (decode ? decodeURIComponent(part) : part))
    found[name] = [...(found[name] ?? []), value]
  }
  return found
}

const lastValues = (lists: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.at(-1)]))

const pathOf = (request: IncomingMessage) => (request.url ?? '').split('?')[0]

const lastOnes = (request: IncomingMessage) =>
  Object.fromEntries(Object.entries(lists(request)).map(([name, values]) => [name, values.at(-1)]))

const joined = (request: IncomingMessage) =>
  Object.fromEntries(
    Object.entries(lists(request)).map(([name, values]) => [name.toLowerCase(), values.join(',')]),
  )

// A REST API: headers as they were spelled, the last of each, and all of them in lists.
const restApi =
  (alwaysBase64: boolean): EventOf =>
  (request, body) => ({
    resource: '/{proxy+}',
    path: pathOf(request),
    httpMethod: request.method,
    queryStringParameters: lastValues(query(request)),
    multiValueQueryStringParameters: query(request),
    headers: lastOnes(request),
    multiValueHeaders: lists(request),
    requestContext: { stage: 'prod', httpMethod: request.method, path: `/prod${request.url}` },
    ...bodyOf(body, alwaysBase64),
  })

// An HTTP API, and a function URL: headers in lower case, several values joined.
const httpApi =
  (alwaysBase64: boolean): EventOf =>
  (request, body) => ({
    version: '2.0',
    routeKey: '$default',
    rawPath: pathOf(request),
    rawQueryString: (request.url ?? '').split('?')[1] ?? '',
    headers: joined(request),
    requestContext: { http: { method: request.method, path: request.url, protocol: 'HTTP/1.1' } },
    ...bodyOf(body, alwaysBase64),
  })

const loadBalancer =
  (hasMultiValueHeaders: boolean): EventOf =>
  (request, body) => ({
    requestContext: {
      elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/a/1' },
    },
    httpMethod: request.method,
    path: pathOf(request),
    ...(hasMultiValueHeaders
      ? { multiValueQueryStringParameters: query(request, false) }
      : { queryStringParameters: lastValues(query(request, false)) }),
    ...(hasMultiValueHeaders ? { multiValueHeaders: lists(request) } : { headers: joined(request) }),
    ...bodyOf(body, false),
    body: bodyOf(body, false).body ?? '',
  })

function gateway(receiver: MountedReceiver, eventOf: EventOf, change = (event: LambdaEvent) => event) {
  const handler = webhook(receiver)
  const listener: RequestListener = async (request, response) => {
    const event = change(eventOf(request, await buffer(request)))
    const answer = await handler(JSON.parse(JSON.stringify(event)))
    const { statusCode, headers, multiValueHeaders, body } = answer
    // Each kind of load balancer reads its kind of headers only.
    expect(headers === undefined).toBe(event.headers === undefined)
    response.writeHead(statusCode, headers ?? multiValueHeaders)
    response.end(body)
  }
  return serve(listener)
}

const kinds: [string, EventOf][] = [
  ['API Gateway v1', restApi(false)],
  ['API Gateway v1, all in base64', restApi(true)],
  ['API Gateway v2', httpApi(false)],
  ['a function URL, all in base64', httpApi(true)],
  ['a load balancer', loadBalancer(false)],
  ['a load balancer with multi-value headers', loadBalancer(true)],
]

for (const [name, eventOf] of kinds) {
  adapterContract(`webhook(receiver) of Lambda behind ${name}`, {
    start: (receiver) => gateway(receiver, eventOf),
    isStreaming: false,
    consumed: {
      'behind a middleware that parses the body': (receiver) =>
        gateway(receiver, eventOf, ({ body, isBase64Encoded, ...event }) => ({
          ...event,
          body: JSON.parse(Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8').toString()),
        })),
    },
  })
}

describe('webhook(receiver) of Lambda', () => {
  const receiver = createReceiver({ secrets: secret })
  const handler = webhook(receiver)

  it('answers what invokes it without a request', async () => {
    expect(await handler({})).toMatchObject({ statusCode: 401 })
  })

  it('is not misled by the case of a base64 body that is none', async () => {
    const body = JSON.stringify(payloadOf('File.Create'))
    const headers = signedHeaders({ secret, body })
    const event = { httpMethod: 'POST', headers: { ...headers }, body, isBase64Encoded: true }
    expect(await handler(event)).toMatchObject({ statusCode: 401 })
  })
})
