import type { Delivery, Endpoint } from '../api-types.ts'

type Tone = 'good' | 'bad' | 'warn' | 'wait' | 'neutral'

/** A state in one word. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return <span className={`badge ${tone}`}>{children}</span>
}

export function DeliveryBadge({ delivery }: { readonly delivery: Pick<Delivery, 'state' | 'attemptCount'> }) {
  const { state, attemptCount } = delivery
  if (state === 'succeeded') return <Badge tone="good">Delivered</Badge>
  if (state === 'exhausted') return <Badge tone="bad">Failed</Badge>
  if (state === 'cancelled') return <Badge tone="neutral">Cancelled</Badge>
  if (state === 'pull') return <Badge tone="neutral">Pull</Badge>
  return attemptCount > 0 ? <Badge tone="warn">Retrying</Badge> : <Badge tone="wait">Waiting</Badge>
}

export function EndpointBadge({ endpoint }: { readonly endpoint: Endpoint }) {
  const { enabled, failingSince, disabledReason, ownership, url } = endpoint
  if (enabled && url === undefined) return <Badge tone="good">Pull</Badge>
  if (enabled) {
    return failingSince ? <Badge tone="warn">Failing</Badge> : <Badge tone="good">Healthy</Badge>
  }
  if (ownership === 'pending') return <Badge tone="wait">Not verified</Badge>
  if (disabledReason === 'gone') return <Badge tone="bad">Gone</Badge>
  return disabledReason === 'failing' ? (
    <Badge tone="bad">Disabled: failing</Badge>
  ) : (
    <Badge tone="neutral">Disabled</Badge>
  )
}
