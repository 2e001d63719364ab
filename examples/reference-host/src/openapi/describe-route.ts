import { STATUS_CODES } from 'node:http'
import { type ZodType, z } from 'zod'

/** Who may use a route: anybody, a tenant's administrators, or nobody but who runs the installation. */
export type Audience = 'everybody' | 'administrators' | 'operators'

/** A route, as its description is made of. */
export interface RouteDescription {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** As in the router: `/api/Page/:id`. */
  readonly path: string
  readonly summary: string
  readonly tag: string
  readonly audience: Audience
  /** JSON, or another content type with the schema of its content. */
  readonly input?: ZodType | { readonly contentType: string; readonly schema: object }
  readonly status?: number
  /** Nothing for an answer without content. */
  readonly output?: ZodType | { readonly contentType: string; readonly schema: object }
  /** What else it may answer; 400, 401, 403 and 404 are seen to where they can be. */
  readonly alsoAnswers?: readonly number[]
  readonly query?: Readonly<Record<string, { readonly description: string; readonly schema: object }>>
}

const problem = {
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function contentOf(content: NonNullable<RouteDescription['input']>, io: 'input' | 'output'): object {
  if (content instanceof z.ZodType) return { 'application/json': { schema: schemaOf(content, io) } }
  return { [content.contentType]: { schema: content.schema } }
}

function schemaOf(type: ZodType, io: 'input' | 'output'): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { io, unrepresentable: 'any' })
  return schema
}

/** The path of a description, and the operation below it. */
export function operationOf(route: RouteDescription): { readonly path: string; readonly operation: object } {
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
