import type { PortalRole, PortalUser } from '../authorize.ts'
import type { JsonFields } from '../read-json.ts'
import type { Identity } from '../session/identity.ts'
import type { Description, Parameter, TimeParameter } from './schema.ts'

/** Parameters that may stand in a query. */
export type QueryParameters = Readonly<Record<string, Description & Pick<Parameter<unknown>, 'read'>>>

/** Fields that may stand in a body. */
export type BodyFields = Readonly<Record<string, Description & { readonly isOptional?: boolean }>>

/** What a query was read as. */
export type QueryOf<TQuery extends QueryParameters> = {
  readonly [TName in keyof TQuery]: ReturnType<TQuery[TName]['read']> | undefined
}

/** What a body was read as: times, and whatever else the sender checks. */
export type FieldsOf<TFields extends BodyFields> = {
  readonly [TName in keyof TFields]: TFields[TName] extends Pick<TimeParameter, 'readField'>
    ? Date | undefined
    : unknown
}

/** What every route is asked with. */
export interface OpenCall<TQuery = QueryOf<QueryParameters>, TFields = JsonFields> {
  readonly request: Request
  /** Where the request comes from. */
  readonly client: string | undefined
  readonly identity: Identity
  /** What stands in the path for `:id`. */
  readonly id: string
  readonly query: TQuery
  /** What the body holds; what was left out is not there. */
  readonly fields: TFields
  /** What the portal's own paths begin with. */
  readonly basePath: string
}

/** What a route for users is asked with. */
export interface RouteCall<TQuery = QueryOf<QueryParameters>, TFields = JsonFields>
  extends OpenCall<TQuery, TFields> {
  readonly user: PortalUser
}

/** What is the same of all routes. */
export interface RouteDescription<TQuery extends QueryParameters, TFields extends BodyFields> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below the portal's base path; one segment may be `:id`. */
  readonly path: string
  /** Names the route for generated clients: `listEndpoints`. */
  readonly operationId: string
  /** What it does, in one line that begins with a verb. */
  readonly summary: string
  /** What else callers should know. */
  readonly description?: string
  /** What the query may hold; any other parameter is refused. @defaultValue nothing */
  readonly query?: TQuery
  /** What the body may hold; any other field is refused. @defaultValue nothing */
  readonly fields?: TFields
  /** The status of success. @defaultValue 200; 204 where nothing comes back */
  readonly status?: 200 | 201 | 202
  /** What success brings back: `null` for nothing, `event-stream` for server-sent events. */
  readonly response: Description | null | 'event-stream'
}

/** A route for users of a role: managers may do what viewers may; operators are either, and more. */
export interface UserRoute<
  TQuery extends QueryParameters = QueryParameters,
  TFields extends BodyFields = BodyFields,
> extends RouteDescription<TQuery, TFields> {
  readonly role: PortalRole | 'operator'
  handle(call: RouteCall<QueryOf<TQuery>, FieldsOf<TFields>>): Promise<Response>
}

/** A route for anybody. */
export interface OpenRoute<
  TQuery extends QueryParameters = QueryParameters,
  TFields extends BodyFields = BodyFields,
> extends RouteDescription<TQuery, TFields> {
  readonly role: 'anybody'
  handle(call: OpenCall<QueryOf<TQuery>, FieldsOf<TFields>>): Promise<Response>
}

/** One method of one path. */
export type Route = UserRoute | OpenRoute

/**
 * Describes a route once: what is said here validates its input, types its handler, and is its part of the OpenAPI
 * document.
 */
export function route<
  const TQuery extends QueryParameters = Record<never, never>,
  const TFields extends BodyFields = Record<never, never>,
>(description: UserRoute<TQuery, TFields> | OpenRoute<TQuery, TFields>): Route {
  return description as Route
}
