import type { Request, RequestHandler, Response } from 'express'
import { type IRouter, json } from 'express'
import type { ZodType } from 'zod'
import { InvalidInputError } from '../entity/errors.ts'
import { MAX_ID } from '../entity/fields.ts'
import type { Services } from '../host/services.ts'
import { requireAdmin } from '../people/caller.ts'

const MAX_BODY_BYTES = 100 * 1024

/** Content other than JSON. */
export interface OtherContent {
  readonly contentType: string
  readonly schema: object
}

/** What a route's function is given. */
export interface RouteRequest<TInput = unknown> {
  /** The services of this request alone, bound to the tenant of its alias. */
  readonly services: Services
  /** The id in the path, where it has one. */
  readonly id: number
  /** The body, where the route takes JSON. */
  readonly input: TInput
  readonly request: Request
  readonly response: Response
}

/** A route: how it is reached, who may use it, what it takes and answers. The router and its description follow. */
export interface Route<TInput = unknown> {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** `/api/Page/:id` */
  readonly path: string
  readonly summary: string
  readonly tag: string
  /** Who may use it: everybody, a tenant's administrators, or those who run the installation. */
  readonly audience: 'everybody' | 'administrators' | 'operators'
  readonly input?: ZodType<TInput> | OtherContent
  readonly maxBodyBytes?: number
  /** @defaultValue 200 */
  readonly status?: number
  /** JSON, or what the function writes itself; nothing for a response without content. */
  readonly output?: ZodType | OtherContent
  /** What else it may answer; 400, 401, 403 and 404 follow from the rest. */
  readonly alsoAnswers?: readonly number[]
  /** The parameters that a query may have; others are refused. */
  readonly query?: Readonly<Record<string, { readonly description: string; readonly schema: object }>>
  /** What a request passes once its body is read. */
  readonly before?: readonly RequestHandler[]
  handle(request: RouteRequest<TInput>): unknown
}

/** Says that a route's parts fit together. */
export function route<TInput>(parts: Route<TInput>): Route {
  return parts as Route
}

/** Whether content is JSON of a schema. */
export function isJson(content: ZodType | OtherContent | undefined): content is ZodType {
  return content !== undefined && !('contentType' in content)
}

/** Lets a router answer routes; of two that fit a request, the first does. */
export function addRoutes(router: Pick<IRouter, Route['method']>, routes: readonly Route[]): void {
  for (const one of routes) {
    const { method, path, audience, input, maxBodyBytes = MAX_BODY_BYTES, query = {}, before = [] } = one
    const guards: RequestHandler[] = [
      ...(audience === 'administrators' ? [requireAdmin] : []),
      ...(path.startsWith('/api/') ? [knownQuery(Object.keys(query))] : []),
      // After the guards: strangers do not get to have theirs read.
      ...(isJson(input) ? [json({ limit: maxBodyBytes })] : []),
      ...before,
    ]
    router[method](path, ...guards, (request, response) => answer(one, request, response))
  }
}

async function answer(
  { path, input, output, status = 200, handle }: Route,
  request: Request,
  response: Response,
): Promise<void> {
  const result = await handle({
    services: request.services,
    id: path.includes(':id') ? readId(request.params['id']) : 0,
    input: isJson(input) ? input.parse(request.body) : undefined,
    request,
    response,
  })
  if (isJson(output)) response.status(status).json(result)
  else if (output === undefined) response.status(status).end()
}

/**
 * @param field - what to name in the error.
 * @throws InvalidInputError for what cannot be the id of an entity.
 */
export function readId(text: unknown, field = 'id'): number {
  const id = typeof text === 'string' && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN
  if (id <= MAX_ID) return id
  throw new InvalidInputError({ [field]: [`must be a positive integer, at most ${MAX_ID}`] })
}

/** Refuses a query with other parameters than these, or one of them twice: a slip that would go unnoticed. */
function knownQuery(known: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const [, search = ''] = request.originalUrl.split('?', 2)
    const names = [...new URLSearchParams(search).keys()]
    for (const [index, name] of names.entries()) {
      const shown = name.slice(0, 80)
      if (!known.includes(name)) {
        const rest = known.length === 0 ? 'none is' : `known are ${known.join(', ')}`
        throw new InvalidInputError({ [shown]: [`is no parameter that is known here; ${rest}`] })
      }
      if (names.indexOf(name) !== index) throw new InvalidInputError({ [shown]: ['must be given once'] })
    }
    next()
  }
}
