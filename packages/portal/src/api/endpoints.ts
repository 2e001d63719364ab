import type {
  CreateEndpoint,
  Endpoint,
  RotateKey,
  RotateSecret,
  SendTest,
  TestFilter,
  TryOutEndpoint,
  UpdateEndpoint,
  WebhookSender,
} from '@x/sender'
import { type PortalUser, scopeOf } from '../authorize.ts'
import { type Route, type RouteCall, route } from '../describe/route.ts'
import { choice, count, flag, list, nullable, object, optional, text } from '../describe/schema.ts'
import type { EndpointKey, EndpointSecrets } from '../ui/api-types.ts'
import { delivery } from './delivery-schemas.ts'
import {
  changedEndpoint,
  changeFields,
  createdEndpoint,
  creationFields,
  endpointHealth,
  endpointKey,
  endpoint as endpointSchema,
  endpointSecret,
  endpointState,
  endpointWithSecret,
  filterFields,
  listedEndpoint,
  newEndpointKey,
  testedEvents,
  testedType,
  triedEndpoint,
  tryFields,
} from './endpoint-schemas.ts'
import { creationWarnings, urlWarnings } from './endpoint-warnings.ts'
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts'

const HIDDEN = '***'

type Asking = Pick<RouteCall, 'user'>

const overlapSeconds = optional(
  count('How long the one before stays valid, at most 7 days; a day by default.'),
)
const keyId = text('The id of the key.')

/** Endpoints of the user's tenant. What the fields hold is checked by the sender. */
export function endpointRoutes({ endpoints, sendTest }: WebhookSender, keysUrl?: string): Route[] {
  const asShown = async (call: Asking, endpoint: Promise<Endpoint>) =>
    Response.json(shownTo(call.user, await endpoint))

  return [
    route({
      method: 'GET',
      path: '/api/endpoints',
      role: 'viewer',
      operationId: 'listEndpoints',
      summary: 'List endpoints',
      response: pageSchema(listedEndpoint),
      query: {
        search: text('Those whose URL or description contains this text, in any case.'),
        health: endpointState,
        sort: choice(
          ['newest', 'failing'],
          '`newest`, the default: the newest first. `failing`: first those that fail, then those that were disabled for it.',
        ),
        withSummary: flag('Whether each comes with its health and its last 24 hours.'),
        ...PAGE_QUERY,
      },
      async handle({ user, query: { limit, withSummary = false, ...query } }) {
        const { tenantId } = user
        const page = await pageOf(limit, (most) => endpoints.list({ ...query, tenantId, limit: most }))
        const ids = page.items.map(({ id }) => id)
        const summaries = withSummary ? await endpoints.summaries(ids, { tenantId }) : undefined
        const items = page.items.map((endpoint) => {
          const summary = summaries?.get(endpoint.id)
          return { ...shownTo(user, endpoint), ...(summary && { summary }) }
        })
        return Response.json({ ...page, items })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints',
      role: 'manager',
      operationId: 'createEndpoint',
      summary: 'Create an endpoint',
      status: 201,
      response: createdEndpoint,
      fields: creationFields,
      async handle({ fields, user, basePath }) {
        const input = { ...fields, tenantId: user.tenantId } as CreateEndpoint
        const created = await endpoints.create(input, scopeOf({ user }))
        const warnings = await creationWarnings(endpoints, created.endpoint, input)
        const location = `${basePath}/api/endpoints/${created.endpoint.id}`
        return Response.json({ ...created, warnings }, { status: 201, headers: { location } })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/test-filter',
      role: 'manager',
      operationId: 'testFilter',
      summary: 'Try a filter on the newest events',
      response: testedEvents,
      fields: filterFields,
      async handle({ fields, user }) {
        const tested = await endpoints.testFilter({
          ...(fields as object),
          tenantId: user.tenantId,
        } as TestFilter)
        return Response.json({ items: tested.map(({ message: _, ...event }) => event) })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/try',
      role: 'manager',
      operationId: 'tryEndpoint',
      summary: 'Try an endpoint before it is saved',
      description: 'Sends one request with `data.test: true`, now, and stores nothing. 20 a minute.',
      response: triedEndpoint,
      fields: tryFields,
      async handle({ fields, user: { tenantId } }) {
        return Response.json(await endpoints.tryOut({ ...fields, tenantId } as TryOutEndpoint))
      },
    }),
    route({
      method: 'GET',
      path: '/api/endpoints/:id',
      role: 'viewer',
      operationId: 'getEndpoint',
      summary: 'Get an endpoint',
      response: endpointSchema,
      handle: (call) => asShown(call, endpoints.get(call.id, scopeOf(call))),
    }),
    route({
      method: 'GET',
      path: '/api/endpoints/:id/health',
      role: 'viewer',
      operationId: 'getEndpointHealth',
      summary: 'Tell how an endpoint does, and what it waits for',
      response: endpointHealth,
      handle: async (call) => Response.json(await endpoints.health(call.id, scopeOf(call))),
    }),
    route({
      method: 'PATCH',
      path: '/api/endpoints/:id',
      role: 'manager',
      operationId: 'updateEndpoint',
      summary: 'Change an endpoint',
      response: changedEndpoint,
      fields: changeFields,
      async handle(call) {
        const changes = call.fields as UpdateEndpoint
        const { url } = await endpoints.get(call.id, scopeOf(call))
        const endpoint = await endpoints.update(call.id, changes, scopeOf(call))
        const warnings = endpoint.url === url ? [] : await urlWarnings(endpoints, endpoint)
        return Response.json({ ...shownTo(call.user, endpoint), warnings })
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/endpoints/:id',
      role: 'manager',
      operationId: 'deleteEndpoint',
      summary: 'Delete an endpoint, and cancel what is pending for it',
      response: null,
      async handle(call) {
        await endpoints.delete(call.id, scopeOf(call))
        return new Response(null, { status: 204 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/enable',
      role: 'manager',
      operationId: 'enableEndpoint',
      summary: 'Enable an endpoint',
      response: endpointSchema,
      handle: (call) => asShown(call, endpoints.enable(call.id, scopeOf(call))),
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/disable',
      role: 'manager',
      operationId: 'disableEndpoint',
      summary: 'Disable an endpoint',
      response: endpointSchema,
      handle: (call) => asShown(call, endpoints.disable(call.id, scopeOf(call))),
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/verify',
      role: 'manager',
      operationId: 'verifyEndpoint',
      summary: 'Challenge the owner of an endpoint to prove that it holds the secret',
      response: endpointSchema,
      handle: (call) => asShown(call, endpoints.verify(call.id, scopeOf(call))),
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/rotate-secret',
      role: 'manager',
      operationId: 'rotateSecret',
      summary: 'Replace the secret of an endpoint',
      response: endpointWithSecret,
      fields: { overlapSeconds, secret: optional(text('A key to sign with instead of a new one.')) },
      async handle(call) {
        const options = { ...(call.fields as RotateSecret), ...scopeOf(call) }
        return Response.json(await endpoints.rotateSecret(call.id, options))
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/test',
      role: 'manager',
      operationId: 'sendTest',
      summary: 'Send a test event',
      description: 'Its message has `data.test: true`.',
      status: 202,
      response: delivery,
      fields: { eventType: testedType },
      async handle(call) {
        const options = { ...(call.fields as SendTest), ...scopeOf(call) }
        return Response.json(await sendTest(call.id, options), { status: 202 })
      },
    }),
    route({
      method: 'GET',
      path: '/api/endpoints/:id/secrets',
      role: 'manager',
      operationId: 'listSecrets',
      summary: 'List the secrets that messages are signed with now',
      response: object<EndpointSecrets>({
        items: list(endpointSecret),
        keysUrl: nullable(
          text('Where receivers find the public keys as a JSON Web Key Set, if the host says so.'),
        ),
      }),
      async handle(call) {
        const items = await endpoints.secrets(call.id, scopeOf(call))
        const { signature } = await endpoints.get(call.id, scopeOf(call))
        const isPublished = keysUrl !== undefined && signature === 'ed25519'
        return Response.json({ items, keysUrl: isPublished ? `${keysUrl}/${call.id}` : null })
      },
    }),
    route({
      method: 'GET',
      path: '/api/endpoints/:id/keys',
      role: 'manager',
      operationId: 'listKeys',
      summary: 'List the keys of the events API, without their texts',
      response: object<{ items: readonly EndpointKey[] }>({ items: list(endpointKey) }),
      async handle(call) {
        return Response.json({ items: await endpoints.listKeys(call.id, scopeOf(call)) })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/keys',
      role: 'manager',
      operationId: 'createKey',
      summary: 'Create a key of the events API',
      status: 201,
      response: newEndpointKey,
      async handle(call) {
        return Response.json(await endpoints.createKey(call.id, scopeOf(call)), { status: 201 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/rotate-key',
      role: 'manager',
      operationId: 'rotateKey',
      summary: 'Replace a key of the events API',
      status: 201,
      response: newEndpointKey,
      fields: { keyId, overlapSeconds },
      async handle(call) {
        const { keyId, ...options } = call.fields
        const rotation = { ...(options as RotateKey), ...scopeOf(call) }
        const rotated = await endpoints.rotateKey(call.id, keyId as string, rotation)
        return Response.json(rotated, { status: 201 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/revoke-key',
      role: 'manager',
      operationId: 'revokeKey',
      summary: 'Revoke a key of the events API',
      response: null,
      fields: { keyId },
      async handle(call) {
        await endpoints.revokeKey(call.id, call.fields.keyId as string, scopeOf(call))
        return new Response(null, { status: 204 })
      },
    }),
  ]
}

/** Headers often hold credentials, which viewers have no need of. */
function shownTo({ role }: PortalUser, endpoint: Endpoint): Endpoint {
  if (role === 'manager') return endpoint
  const headers = Object.fromEntries(Object.keys(endpoint.headers).map((name) => [name, HIDDEN]))
  return { ...endpoint, headers }
}
