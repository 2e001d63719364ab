import {
  type CreateEndpoint,
  ENDPOINT_INPUTS,
  type Endpoint,
  type RotateKey,
  type RotateSecret,
  type TestFilter,
  type UpdateEndpoint,
  type WebhookSender,
} from '@x/sender'
import type { PortalUser } from '../authorize.ts'
import type { Route, RouteCall } from '../router.ts'
import { creationWarnings, urlWarnings } from './endpoint-warnings.ts'
import { pageOf, readLimit } from './page.ts'

const HIDDEN = '***'

// Whose it is, the user tells.
const CREATION_FIELDS = ENDPOINT_INPUTS.create.filter((field) => field !== 'tenantId')

/** Endpoints of the user's tenant. What the fields hold is checked by the sender. */
export function endpointRoutes({ endpoints, sendTest }: WebhookSender): Route[] {
  const scopeOf = ({ user }: RouteCall) => ({ tenantId: user.tenantId })
  const asShown = async (call: RouteCall, endpoint: Promise<Endpoint>) =>
    Response.json(shownTo(call.user, await endpoint))

  return [
    {
      method: 'GET',
      path: '/api/endpoints',
      role: 'viewer',
      query: ['before', 'limit'],
      async handle({ user, query }) {
        const { tenantId } = user
        const before = query.get('before') ?? undefined
        const page = await pageOf(readLimit(query), (limit) => endpoints.list({ tenantId, before, limit }))
        return Response.json({ ...page, items: page.items.map((endpoint) => shownTo(user, endpoint)) })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints',
      role: 'manager',
      fields: CREATION_FIELDS,
      async handle({ fields, user, basePath }) {
        const input = { ...fields, tenantId: user.tenantId } as CreateEndpoint
        const created = await endpoints.create(input)
        const warnings = await creationWarnings(endpoints, created.endpoint, input)
        const location = `${basePath}/api/endpoints/${created.endpoint.id}`
        return Response.json({ ...created, warnings }, { status: 201, headers: { location } })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/test-filter',
      role: 'manager',
      fields: ['filter', 'eventTypes', 'siteId', 'payloadVersion'],
      async handle({ fields, user }) {
        const tested = await endpoints.testFilter({
          ...(fields as object),
          tenantId: user.tenantId,
        } as TestFilter)
        return Response.json({ items: tested.map(({ message: _, ...event }) => event) })
      },
    },
    {
      method: 'GET',
      path: '/api/endpoints/:id',
      role: 'viewer',
      handle: (call) => asShown(call, endpoints.get(call.id, scopeOf(call))),
    },
    {
      method: 'GET',
      path: '/api/endpoints/:id/health',
      role: 'viewer',
      handle: async (call) => Response.json(await endpoints.health(call.id, scopeOf(call))),
    },
    {
      method: 'PATCH',
      path: '/api/endpoints/:id',
      role: 'manager',
      fields: ENDPOINT_INPUTS.update,
      async handle(call) {
        const changes = call.fields as UpdateEndpoint
        const { url } = await endpoints.get(call.id, scopeOf(call))
        const endpoint = await endpoints.update(call.id, changes, scopeOf(call))
        const warnings = endpoint.url === url ? [] : await urlWarnings(endpoints, endpoint)
        return Response.json({ ...shownTo(call.user, endpoint), warnings })
      },
    },
    {
      method: 'DELETE',
      path: '/api/endpoints/:id',
      role: 'manager',
      async handle(call) {
        await endpoints.delete(call.id, scopeOf(call))
        return new Response(null, { status: 204 })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/enable',
      role: 'manager',
      handle: (call) => asShown(call, endpoints.enable(call.id, scopeOf(call))),
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/disable',
      role: 'manager',
      handle: (call) => asShown(call, endpoints.disable(call.id, scopeOf(call))),
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/verify',
      role: 'manager',
      handle: (call) => asShown(call, endpoints.verify(call.id, scopeOf(call))),
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/rotate-secret',
      role: 'manager',
      fields: ['overlapSeconds', 'secret'],
      async handle(call) {
        const options = { ...(call.fields as RotateSecret), ...scopeOf(call) }
        return Response.json(await endpoints.rotateSecret(call.id, options))
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/test',
      role: 'manager',
      async handle(call) {
        return Response.json(await sendTest(call.id, scopeOf(call)), { status: 202 })
      },
    },
    {
      method: 'GET',
      path: '/api/endpoints/:id/secrets',
      role: 'manager',
      async handle(call) {
        return Response.json({ items: await endpoints.secrets(call.id, scopeOf(call)) })
      },
    },
    {
      method: 'GET',
      path: '/api/endpoints/:id/keys',
      role: 'manager',
      async handle(call) {
        return Response.json({ items: await endpoints.listKeys(call.id, scopeOf(call)) })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/keys',
      role: 'manager',
      async handle(call) {
        return Response.json(await endpoints.createKey(call.id, scopeOf(call)), { status: 201 })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/rotate-key',
      role: 'manager',
      fields: ['keyId', 'overlapSeconds'],
      async handle(call) {
        const { keyId, ...options } = call.fields
        const rotation = { ...(options as RotateKey), ...scopeOf(call) }
        const rotated = await endpoints.rotateKey(call.id, keyId as string, rotation)
        return Response.json(rotated, { status: 201 })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/revoke-key',
      role: 'manager',
      fields: ['keyId'],
      async handle(call) {
        await endpoints.revokeKey(call.id, call.fields['keyId'] as string, scopeOf(call))
        return new Response(null, { status: 204 })
      },
    },
  ]
}

/** Headers often hold credentials, which viewers have no need of. */
function shownTo({ role }: PortalUser, endpoint: Endpoint): Endpoint {
  if (role === 'manager') return endpoint
  const headers = Object.fromEntries(Object.keys(endpoint.headers).map((name) => [name, HIDDEN]))
  return { ...endpoint, headers }
}
