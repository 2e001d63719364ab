import type { TestAlerts, UpdateAlerts, WebhookSender } from '@x/sender'
import { scopeOf } from '../authorize.ts'
import { type Route, route } from '../describe/route.ts'
import { choice, count, either, flag, list, named, object, optional, text } from '../describe/schema.ts'
import type { Alerts, AlertTest } from '../ui/api-types.ts'
import { errorCode } from './reason-schemas.ts'

const targetKind = choice(['email', 'slack', 'teams', 'discord'])
const on = list(
  choice(['failing', 'disabled', 'exhausted', 'recovered']),
  'What to tell of. `failing`: no request to an endpoint has succeeded for a while. `exhausted`: a delivery has failed for the last time. `recovered`: an endpoint that was failing or disabled succeeds again.',
)
const target = object<{ kind: Alerts['targetKinds'][number]; address?: string; url?: string }>({
  kind: targetKind,
  address: optional(text('Of an e-mail.')),
  url: optional(text('Of the incoming webhook of a chat; shown with its end alone.')),
})
const to = list(target, 'Whom to tell, at most 10. A URL as it is shown stands for the one that is stored.')
const quietSeconds = count('Seconds between two alerts of one kind about one endpoint, at most 7 days.')

const alertErrorCode = either(errorCode, choice(['mail_failed'], 'The e-mail could not be sent.'))
const locale = choice(['en', 'de'], 'The language that alerts are written in.')
const timeZone = text('Of the times in alerts, an IANA name: `Europe/Berlin`.')

const alertSettings = named(
  'Alerts',
  object<Alerts>({
    on,
    to,
    quietSeconds,
    locale,
    timeZone,
    targetKinds: list(targetKind, 'The kinds that there are here.'),
  }),
)

/** What the user's tenant is notified of, and who is. */
export function alertRoutes({ alerts }: WebhookSender): Route[] {
  const { targetKinds } = alerts

  return [
    route({
      method: 'GET',
      path: '/api/alerts',
      role: 'viewer',
      operationId: 'getAlerts',
      summary: 'Get the alert settings',
      response: alertSettings,
      async handle({ user: { tenantId } }) {
        return Response.json({ ...(await alerts.get({ tenantId })), targetKinds })
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/alerts',
      role: 'manager',
      operationId: 'updateAlerts',
      summary: 'Change the alert settings',
      response: alertSettings,
      fields: {
        on: optional(on),
        to: optional(to),
        quietSeconds: optional(quietSeconds),
        locale: optional(locale),
        timeZone: optional(timeZone),
      },
      async handle(call) {
        const { tenantId, ...by } = scopeOf(call)
        const settings = await alerts.update({ ...call.fields, tenantId } as UpdateAlerts, by)
        return Response.json({ ...settings, targetKinds })
      },
    }),
    route({
      method: 'POST',
      path: '/api/alerts/test',
      role: 'manager',
      operationId: 'testAlerts',
      summary: 'Send a test alert, now',
      response: object<{ items: readonly AlertTest[] }>({
        items: list(
          object<AlertTest>({
            target,
            succeeded: flag(),
            status: optional(count('Of the response.')),
            errorCode: optional(alertErrorCode),
          }),
        ),
      }),
      fields: { to: optional(to), locale: optional(locale) },
      async handle({ fields, user: { tenantId } }) {
        return Response.json({ items: await alerts.test({ ...fields, tenantId } as TestAlerts) })
      },
    }),
  ]
}
