import type { Subscription } from '../api-types.ts'
import { counted, duration } from '../format.ts'
import { href } from '../hash-route.ts'
import { Badge } from '../parts/badge.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { useResource } from '../resources.ts'

/** The host's own subscribers, and how far they are behind. */
export function SubscriptionsPage() {
  const resource = useResource<{ items: readonly Subscription[] }>('subscriptions')
  return (
    <>
      <PageHead
        title="Subscriptions"
        about="What inside this host works through the events of every tenant, one after the other."
      />
      <section className="card" aria-label="Subscriptions">
        <ResourceView resource={resource}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No durable subscriptions">
                <p>This host has none. They show here once its code subscribes to events.</p>
              </Empty>
            ) : (
              <table className="table folds">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">State</th>
                    <th scope="col" className="number">
                      Behind
                    </th>
                    <th scope="col" className="number">
                      Parked
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
                      <td data-label="State">
                        <SubscriptionBadge subscription={one} />
                      </td>
                      <td className="number" data-label="Behind">
                        {behindText(one)}
                      </td>
                      <td className="number" data-label="Parked">
                        {one.parked === 0 ? 'none' : counted(one.parked, 'event')}
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
  if (lagEvents === 0) return 'up to date'
  return `${counted(lagEvents, 'event')}${lagCapped ? ' or more' : ''}, ${duration(lagSeconds * 1_000)}`
}

export function SubscriptionBadge({ subscription }: { readonly subscription: Subscription }) {
  const { state, parked, failedAttempts } = subscription
  if (state === 'blocked') return <Badge tone="bad">Blocked</Badge>
  if (state === 'paused') return <Badge tone="neutral">Paused</Badge>
  if (failedAttempts > 0) return <Badge tone="warn">Retrying</Badge>
  return parked > 0 ? <Badge tone="warn">Running, some parked</Badge> : <Badge tone="good">Running</Badge>
}
