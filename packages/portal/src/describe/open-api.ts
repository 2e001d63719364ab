import { STATUS_CODES } from 'node:http'
import { type Route, route } from './route.ts'
import { anything, type Description, list, named, object, optional, text, whole } from './schema.ts'

interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly field?: string
  readonly suggestions?: readonly string[]
}

const problem = named(
  'Problem',
  object<ProblemDocument>(
    {
      type: text(),
      title: text(),
      status: whole(400, 599),
      code: text('What is wrong, for programs.'),
      detail: text('What is wrong, for people.'),
      field: optional(text('The part of the input that was wrong.')),
      suggestions: optional(list(text('What may have been meant there, the likeliest first.'))),
    },
    'A problem document (RFC 9457).',
  ),
)

/** Describes routes as an OpenAPI 3.1 document, whose paths are relative to where the portal is mounted. */
function openApiDocument(routes: readonly Route[], basePath: string) {
  const paths: Record<string, Record<string, object>> = {}
  for (const described of routes) {
    const path = described.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [described.method.toLowerCase()]: operationOf(described) }
  }
  const parts: Description[] = [problem]
  for (const { query = {}, fields = {}, response } of routes) {
    parts.push(...Object.values(query), ...Object.values(fields))
    if (typeof response === 'object' && response !== null) parts.push(response)
  }
  const schemas = Object.fromEntries(parts.flatMap(({ components }) => Object.entries(components)))
  return {
    openapi: '3.1.1',
    info: {
      title: 'Webhook portal',
      version: '1',
      description: 'What the pages of the portal do: the endpoints and deliveries of one tenant.',
    },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The credentials that the application knows its callers by.',
        },
        session: { type: 'apiKey', in: 'cookie', name: 'x_portal_session' },
      },
      responses: {
        Problem: {
          description: 'What went wrong',
          content: { 'application/problem+json': { schema: problem.json } },
        },
      },
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

function operationOf(described: Route): object {
  const { operationId, summary, description, path, method, query = {}, fields, response, role } = described
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query).map(([name, { json }]) => {
    const { description: said, ...schema } = json
    return { name, in: 'query', ...(said === undefined ? {} : { description: said }), schema }
  })
  const parameters = [...inPath, ...inQuery]
  const status = response === null ? 204 : (described.status ?? 200)
  return {
    operationId,
    summary,
    description: [description, role === 'anybody' ? undefined : `For the role ${role}.`]
      .filter(Boolean)
      .join(' '),
    tags: [path.split('/')[2]],
    security: role === 'anybody' ? [] : [{ token: [] }, { session: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(method === 'GET' || !fields ? {} : { requestBody: bodyOf(fields) }),
    responses: {
      [status]: { description: STATUS_CODES[status], ...contentOf(response) },
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

function bodyOf(fields: NonNullable<Route['fields']>): object {
  const entries = Object.entries(fields)
  const required = entries.flatMap(([name, { isOptional }]) => (isOptional === true ? [] : [name]))
  const schema = {
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    properties: Object.fromEntries(entries.map(([name, { json }]) => [name, json])),
    additionalProperties: false,
  }
  return { required: required.length > 0, content: { 'application/json': { schema } } }
}

function contentOf(response: Route['response']): object {
  if (response === null) return {}
  if (response === 'event-stream') return { content: { 'text/event-stream': { schema: { type: 'string' } } } }
  return { content: { 'application/json': { schema: response.json } } }
}

/** `GET /api/openapi.json`: the document about these routes and itself. */
export function openApiRoute(routes: readonly Route[]): Route {
  const self: Route = route({
    method: 'GET',
    path: '/api/openapi.json',
    role: 'anybody',
    operationId: 'getOpenApi',
    summary: 'Get this document',
    response: anything('An OpenAPI document.', { type: 'object' }),
    handle: async ({ basePath }) => Response.json(openApiDocument([...routes, self], basePath)),
  })
  return self
}
