import type { EventDetails, EventOutcome, NoDeliveryReason } from '../api-types.ts'
import { fullTime, list } from '../format.ts'
import { href, placeOf } from '../hash-route.ts'
import { Badge, DeliveryBadge } from '../parts/badge.tsx'
import { Card } from '../parts/card.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { PageOf } from '../parts/page-of.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { reasonText } from '../reason-text.ts'
import { useResource } from '../resources.ts'

/** One event: which endpoints got it, and why the others did not. */
export function EventPage({ id }: { readonly id: string }) {
  const resource = useResource<EventDetails>(`raised-events/${encodeURIComponent(id)}`)
  const back = { to: placeOf('events'), title: t.events.title }
  return (
    <PageOf resource={resource} title={t.deliveries.event} back={back}>
      {(event) => (
        <>
          <PageHead title={event.eventType} back={back} about={<span className="mono">{id}</span>} />
          <Card title={t.deliveries.event}>
            <dl className="facts">
              <dt>{t.filter.entity}</dt>
              <dd>{`${event.entityName} ${event.entityId}`}</dd>
              <dt>{t.events.raised}</dt>
              <dd>
                <Time at={event.raisedOn} isExact />
              </dd>
              <dt>{t.settings.site}</dt>
              <dd>{event.siteId}</dd>
            </dl>
          </Card>
          <Card title={t.events.whoGotIt} isFlush>
            {event.endpoints.length === 0 ? (
              <Empty title={t.endpoints.none} />
            ) : (
              <ul className="rows">
                {event.endpoints.map((outcome) => (
                  <Outcome key={outcome.endpointId} outcome={outcome} />
                ))}
              </ul>
            )}
            {event.hasMoreEndpoints && <p className="card-body small quiet">{t.events.moreEndpoints}</p>}
          </Card>
        </>
      )}
    </PageOf>
  )
}

function Outcome({ outcome }: { readonly outcome: EventOutcome }) {
  const { endpointId, url, description, delivery, reason, changedOn } = outcome
  const name = endpointName({ id: endpointId, description, ...(url === undefined ? {} : { url }) })
  const to = delivery ? href(['deliveries', delivery.id]) : href(['endpoints', endpointId])
  return (
    <li>
      <a className="row-link endpoint-row" href={to}>
        <span className="endpoint-name">{name}</span>
        <span className="endpoint-state">
          {delivery ? (
            <DeliveryBadge delivery={delivery} />
          ) : (
            <Badge tone="neutral">{t.events.notSent}</Badge>
          )}
        </span>
        <span className="endpoint-about small quiet">
          {delivery && reasonText(delivery.reason)}
          {reason && noDeliveryText(reason)}
          {reason && changedOn !== undefined && ` ${t.events.changedSince(fullTime(changedOn))}`}
        </span>
      </a>
    </li>
  )
}

/** Why an endpoint has got no delivery of an event. */
function noDeliveryText(reason: NoDeliveryReason): string {
  const texts = t.noDelivery
  switch (reason.code) {
    case 'event_type':
      return texts.event_type(list(reason.eventTypes))
    case 'site':
      return texts.site(reason.siteId)
    case 'created_later':
      return texts.created_later(fullTime(reason.createdOn))
    case 'disabled':
      return reason.until === undefined
        ? texts.disabled(fullTime(reason.since))
        : texts.wasDisabled(fullTime(reason.since), fullTime(reason.until))
    case 'parked':
      return texts.parked(fullTime(reason.on))
    case 'changed':
      return texts.changed(fullTime(reason.on))
    default:
      return texts[reason.code]
  }
}
