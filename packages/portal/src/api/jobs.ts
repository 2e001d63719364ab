import type {
  CancelDeliveries,
  DeliveryFilter,
  RecoverDeliveries,
  ReplayDeliveries,
  WebhookSender,
} from '@x/sender'
import { scopeOf } from '../authorize.ts'
import { type Route, route } from '../describe/route.ts'
import { choice, count, integer, list, named, object, optional, text, time } from '../describe/schema.ts'
import type { Job } from '../ui/api-types.ts'
import { DELIVERY_FILTER_FIELDS, jobFilter, STATE_FIELD } from './delivery-filter.ts'
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts'

const since = time('From this time on.')
const until = optional(time('Until this time; until now by default.'))
const eventTypes = optional(list(text(), 'Those of these types and patterns; all by default.'))
const include = choice(
  ['all', 'unsuccessful', 'missing'],
  '`unsuccessful`: events without a successful delivery. `missing`: only those that have no delivery.',
)

const job = named(
  'Job',
  object<Job>(
    {
      id: text(),
      kind: choice(['recover', 'replay', 'cancel', 'resend']),
      tenantId: integer(),
      endpointId: optional(text('Absent where it is about those of several.')),
      state: choice(['running', 'succeeded', 'cancelled', 'failed']),
      options: object<Job['options']>({
        since: optional(time()),
        until: optional(time()),
        eventTypes: optional(list(text())),
        include: optional(include),
        filter: optional(jobFilter),
      }),
      done: count('How much of `total` is done.'),
      total: count('How many deliveries and events the job has to check, approximately.'),
      affected: count('Deliveries that were cancelled, or are sent once more.'),
      createdOn: time(),
      finishedOn: optional(time('When it finished; absent while it runs.')),
      errorMessage: optional(text('Why it has failed.')),
    },
    'A change of many deliveries, made step by step.',
  ),
)

/** What is done to many deliveries at once, of the user's tenant. */
export function jobRoutes({ deliveries, jobs }: WebhookSender): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/deliveries/resend',
      role: 'manager',
      operationId: 'resendDeliveries',
      summary: 'Send again all deliveries that a filter lets through',
      status: 202,
      response: job,
      fields: { ...DELIVERY_FILTER_FIELDS, state: STATE_FIELD },
      async handle(call) {
        const { tenantId, ...by } = scopeOf(call)
        const filter = { ...call.fields, tenantId } as DeliveryFilter
        return Response.json(await deliveries.resendMany(filter, by), { status: 202 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/deliveries/cancel',
      role: 'manager',
      operationId: 'cancelDeliveries',
      summary: 'Cancel all pending deliveries that a filter lets through',
      status: 202,
      response: job,
      fields: DELIVERY_FILTER_FIELDS,
      async handle(call) {
        const { tenantId, ...by } = scopeOf(call)
        const filter = { ...call.fields, tenantId } as DeliveryFilter
        return Response.json(await deliveries.cancelMany(filter, by), { status: 202 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/cancel-pending',
      role: 'manager',
      operationId: 'cancelPending',
      summary: 'Cancel the pending deliveries of an endpoint',
      status: 202,
      response: job,
      fields: { until, eventTypes },
      async handle(call) {
        const options = { ...call.fields, ...scopeOf(call) } as CancelDeliveries
        return Response.json(await deliveries.cancelPending(call.id, options), { status: 202 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/recover',
      role: 'manager',
      operationId: 'recoverDeliveries',
      summary: 'Send again what was exhausted',
      status: 202,
      response: job,
      fields: { since, until, eventTypes },
      async handle(call) {
        const options = { ...call.fields, ...scopeOf(call) } as RecoverDeliveries
        return Response.json(await deliveries.recover(call.id, options), { status: 202 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/endpoints/:id/replay',
      role: 'manager',
      operationId: 'replayEvents',
      summary: 'Send events of the past to an endpoint',
      status: 202,
      response: job,
      fields: { since, until, eventTypes, include: optional(include) },
      async handle(call) {
        const options = { ...call.fields, ...scopeOf(call) } as ReplayDeliveries
        return Response.json(await deliveries.replay(call.id, options), { status: 202 })
      },
    }),
    route({
      method: 'GET',
      path: '/api/jobs',
      role: 'viewer',
      operationId: 'listJobs',
      summary: 'List jobs, the newest first',
      response: pageSchema(job),
      query: { endpointId: text('Those of this endpoint.'), ...PAGE_QUERY },
      async handle({ user, query: { limit, ...filter } }) {
        const { tenantId } = user
        return Response.json(await pageOf(limit, (most) => jobs.list({ ...filter, tenantId, limit: most })))
      },
    }),
    route({
      method: 'GET',
      path: '/api/jobs/:id',
      role: 'viewer',
      operationId: 'getJob',
      summary: 'Get a job, and how far it is',
      response: job,
      handle: async (call) => Response.json(await jobs.get(call.id, scopeOf(call))),
    }),
    route({
      method: 'POST',
      path: '/api/jobs/:id/cancel',
      role: 'manager',
      operationId: 'cancelJob',
      summary: 'Stop a job; its changes remain',
      response: job,
      handle: async (call) => Response.json(await jobs.cancel(call.id, scopeOf(call))),
    }),
  ]
}
