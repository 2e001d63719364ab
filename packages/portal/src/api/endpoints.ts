import type { CreateEndpoint, Endpoint, RotateSecret, UpdateEndpoint, WebhookSender } from '@x/sender'
import type { PortalUser } from '../authorize.ts'
import { readJsonFields } from '../read-json.ts'
import type { Route, RouteCall } from '../router.ts'
import { pageOf, readLimit } from './page.ts'

const CHANGEABLE = [
  'siteId',
  'url',
  'eventTypes',
  'description',
  'headers',
  'metadata',
  'concurrency',
  'ordering',
  'rateLimit',
  'retrySchedule',
  'format',
  'payloadVersion',
]
const HIDDEN = '***'

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
      async handle({ request, user, basePath }) {
        const fields = await readJsonFields(request, [...CHANGEABLE, 'signature', 'secret'])
        const created = await endpoints.create({ ...fields, tenantId: user.tenantId } as CreateEndpoint)
        const location = `${basePath}/api/endpoints/${created.endpoint.id}`
        return Response.json(created, { status: 201, headers: { location } })
      },
    },
    {
      method: 'GET',
      path: '/api/endpoints/:id',
      role: 'viewer',
      handle: (call) => asShown(call, endpoints.get(call.id, scopeOf(call))),
    },
    {
      method: 'PATCH',
      path: '/api/endpoints/:id',
      role: 'manager',
      async handle(call) {
        const changes = (await readJsonFields(call.request, [...CHANGEABLE, 'version'])) as UpdateEndpoint
        return asShown(call, endpoints.update(call.id, changes, scopeOf(call)))
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
      path: '/api/endpoints/:id/rotate-secret',
      role: 'manager',
      async handle(call) {
        const fields = (await readJsonFields(call.request, ['overlapSeconds', 'secret'])) as RotateSecret
        return Response.json(await endpoints.rotateSecret(call.id, { ...fields, ...scopeOf(call) }))
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
  ]
}

/** Headers often hold credentials, which viewers have no need of. */
function shownTo({ role }: PortalUser, endpoint: Endpoint): Endpoint {
  if (role === 'manager') return endpoint
  const headers = Object.fromEntries(Object.keys(endpoint.headers).map((name) => [name, HIDDEN]))
  return { ...endpoint, headers }
}
