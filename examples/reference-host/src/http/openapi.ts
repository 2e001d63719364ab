import { STATUS_CODES } from 'node:http'
import { type ZodType, z } from 'zod'
import { isJson, type Route } from './route.ts'

/** The host's API as an OpenAPI 3.1 document. */
function openApiDocument(routes: readonly Route[]) {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const { path, operation } = operationOf(route)
    paths[path] = { ...paths[path], [route.method]: operation }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Reference host',
      version: '1.0.0',
      description:
        'A small CMS for several tenants; the name that a request asks for tells whose. The portal below /portal is a page for people, with an API of its own.',
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of the tenant.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'host_session',
          description: 'Somebody who is logged in, with the role Administrators.',
        },
      },
      schemas: {
        Problem: {
          type: 'object',
          description: 'RFC 9457',
          required: ['type', 'title', 'status', 'code'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string', description: 'What is wrong, for programs.' },
            detail: { type: 'string' },
            field: { type: 'string', description: 'The first of the fields in errors.' },
            requestId: { type: 'string', description: 'Names the request in the log.' },
            errors: {
              type: 'object',
              description: 'What is wrong, by the names of the fields.',
              additionalProperties: { type: 'array', items: { type: 'string' } },
            },
          },
        },
      },
    },
  }
}

const problem = {
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function contentOf(content: NonNullable<Route['input']>, io: 'input' | 'output'): object {
  if (isJson(content)) return { 'application/json': { schema: schemaOf(content, io) } }
  return { [content.contentType]: { schema: content.schema } }
}

function schemaOf(type: ZodType, io: 'input' | 'output'): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { io, unrepresentable: 'any' })
  return schema
}

/** The path of a description, and the operation below it. */
function operationOf(route: Route): { readonly path: string; readonly operation: object } {
  const {
    method,
    path,
    summary,
    tag,
    audience,
    input,
    output,
    status = 200,
    alsoAnswers = [],
    query = {},
  } = route
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '')
  const refusals = new Set([
    ...(names.length > 0 ? [400, 404] : []),
    ...(input ? [400, 413] : []),
    ...(audience === 'administrators' ? [401, 403] : []),
    ...alsoAnswers,
  ])
  const pathParameters = names.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: name === 'id' ? { type: 'integer', minimum: 1, maximum: 2_147_483_647 } : { type: 'string' },
  }))
  const queryParameters = Object.entries(query).map(([name, parameter]) => ({
    name,
    in: 'query',
    ...parameter,
  }))

  return {
    path: path.replaceAll(/:(\w+)/g, '{$1}'),
    operation: {
      summary,
      tags: [tag],
      operationId: `${method}${path.replaceAll(/[^A-Za-z]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
      security: audience === 'administrators' ? [{ token: [] }, { session: [] }] : [],
      ...(names.length + queryParameters.length > 0
        ? { parameters: [...pathParameters, ...queryParameters] }
        : {}),
      ...(input ? { requestBody: { required: true, content: contentOf(input, 'input') } } : {}),
      responses: {
        [status]: {
          description: STATUS_CODES[status],
          ...(output ? { content: contentOf(output, 'output') } : {}),
        },
        ...Object.fromEntries(
          [...refusals].sort().map((code) => [code, { description: STATUS_CODES[code], ...problem }]),
        ),
      },
    },
  }
}

/** `GET /api/openapi.json`: the document about these routes and itself, made once. */
export function openApiRoute(routes: readonly Route[]): Route {
  const self: Route = {
    method: 'get',
    path: '/api/openapi.json',
    summary: 'This document',
    tag: 'Host',
    audience: 'everybody',
    output: z.record(z.string(), z.unknown()),
    handle: () => document,
  }
  const document = openApiDocument([...routes, self])
  return self
}
