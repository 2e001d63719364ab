import type { WebhookSender } from '@x/sender'
import { type Route, route } from '../describe/route.ts'
import { choice, integer, list, named, object, optional, text, time } from '../describe/schema.ts'
import type { AuditEntry } from '../ui/api-types.ts'
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts'

const entry = named(
  'AuditEntry',
  object<AuditEntry>(
    {
      id: text(),
      tenantId: integer(),
      endpointId: optional(text('The endpoint that was changed, also after its deletion.')),
      action: choice([
        'endpoint_created',
        'endpoint_updated',
        'endpoint_enabled',
        'endpoint_disabled',
        'endpoint_deleted',
        'endpoint_verified',
        'secret_rotated',
        'secret_shown',
        'key_created',
        'key_rotated',
        'key_revoked',
        'test_sent',
        'delivery_resent',
        'delivery_cancelled',
        'job_started',
        'job_cancelled',
        'alerts_changed',
      ]),
      actor: optional(text('Who has done it; absent where nobody in particular has.')),
      details: object<AuditEntry['details']>({
        fields: optional(list(text(), 'The fields that were changed.')),
        reason: optional(choice(['manual', 'gone', 'failing', 'unverified'], 'Why it was disabled.')),
        keyId: optional(text('The key; of a rotation, the one before.')),
        deliveryId: optional(text()),
        eventType: optional(text('What was sent as a test.')),
        jobId: optional(text()),
        jobKind: optional(choice(['recover', 'replay', 'resend', 'cancel'])),
      }),
      createdOn: time(),
    },
    'A change that somebody has made, or the system by itself. It holds no secret, and no value of a field.',
  ),
)

/** Who has changed what, in the user's tenant. */
export function auditLogRoutes({ auditLog }: WebhookSender): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/audit-log',
      role: 'viewer',
      operationId: 'listAuditLog',
      summary: 'List who has changed what, the newest first',
      response: pageSchema(entry),
      query: { endpointId: text('What was done to this endpoint.'), ...PAGE_QUERY },
      async handle({ user: { tenantId }, query: { limit, ...filter } }) {
        const read = (most: number) => auditLog.list({ ...filter, tenantId, limit: most })
        return Response.json(await pageOf(limit, read))
      },
    }),
  ]
}
