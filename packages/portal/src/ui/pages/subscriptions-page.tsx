import type { Subscription } from '../api-types.ts'
import { duration } from '../format.ts'
import { href } from '../hash-route.ts'
import { Badge } from '../parts/badge.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'

/** The host's own subscribers, and how far they are behind. */
export function SubscriptionsPage() {
  const resource = useResource<{ items: readonly Subscription[] }>('subscriptions')
  return (
    <>
      <PageHead title={t.shell.subscriptions} about={t.subscriptions.about} />
      <section className="card" aria-label={t.shell.subscriptions}>
        <ResourceView resource={resource}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={t.subscriptions.none}>
                <p>{t.subscriptions.noneAbout}</p>
              </Empty>
            ) : (
              <table className="table folds">
                <thead>
                  <tr>
                    <th scope="col">{t.subscriptions.name}</th>
                    <th scope="col">{t.deliveries.state}</th>
                    <th scope="col" className="number">
                      {t.subscriptions.behind}
                    </th>
                    <th scope="col" className="number">
                      {t.subscriptions.parked}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <tr key={one.name}>
                      <td>
                        <a className="anywhere" href={href(['subscriptions', one.name])}>
                          {one.name}
                        </a>
                      </td>
                      <td data-label={t.deliveries.state}>
                        <SubscriptionBadge subscription={one} />
                      </td>
                      <td className="number" data-label={t.subscriptions.behind}>
                        {behindText(one)}
                      </td>
                      <td className="number" data-label={t.subscriptions.parked}>
                        {one.parked === 0 ? t.common.none : t.counts.events(one.parked)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </ResourceView>
      </section>
    </>
  )
}

/** How far a subscription is behind. */
export function behindText({ lagEvents, lagCapped, lagSeconds }: Subscription): string {
  if (lagEvents === 0) return t.subscriptions.upToDate
  return t.subscriptions.lag(lagEvents, lagCapped, duration(lagSeconds * 1_000))
}

export function SubscriptionBadge({ subscription }: { readonly subscription: Subscription }) {
  const { state, parked, failedAttempts } = subscription
  if (state === 'blocked') return <Badge tone="bad">{t.subscriptionStates.blocked}</Badge>
  if (state === 'paused') return <Badge tone="neutral">{t.subscriptionStates.paused}</Badge>
  if (failedAttempts > 0) return <Badge tone="warn">{t.subscriptionStates.retrying}</Badge>
  return parked > 0 ? (
    <Badge tone="warn">{t.subscriptionStates.someParked}</Badge>
  ) : (
    <Badge tone="good">{t.subscriptionStates.running}</Badge>
  )
}
