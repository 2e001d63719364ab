import type { Delivery, Endpoint, EndpointHealth } from '../api-types.ts'
import { t } from '../preferences.ts'

export type Tone = 'good' | 'bad' | 'warn' | 'wait' | 'neutral'

/** A state in one word. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return <span className={`badge ${tone}`}>{children}</span>
}

const DELIVERY_TONES: Readonly<Record<Delivery['state'], Tone>> = {
  pending: 'wait',
  succeeded: 'good',
  exhausted: 'bad',
  cancelled: 'neutral',
  pull: 'neutral',
}

export function DeliveryBadge({ delivery }: { readonly delivery: Pick<Delivery, 'state' | 'attemptCount'> }) {
  const { state, attemptCount } = delivery
  if (state === 'pending' && attemptCount > 0) return <Badge tone="warn">{t.states.retrying}</Badge>
  return <Badge tone={DELIVERY_TONES[state]}>{t.states[state]}</Badge>
}

interface EndpointBadgeProps {
  readonly endpoint: Endpoint
  /** Where it is known. */
  readonly health?: EndpointHealth | undefined
}

export function EndpointBadge({ endpoint, health }: EndpointBadgeProps) {
  const { enabled, failingSince, disabledReason, ownership, url } = endpoint
  if (enabled && url === undefined) return <Badge tone="good">{t.states.pull}</Badge>
  if (enabled && health?.state === 'paused') return <Badge tone="warn">{t.states.paused}</Badge>
  if (enabled) {
    return failingSince ? (
      <Badge tone="warn">{t.states.failing}</Badge>
    ) : (
      <Badge tone="good">{t.states.healthy}</Badge>
    )
  }
  if (ownership === 'pending') return <Badge tone="wait">{t.states.unverified}</Badge>
  if (disabledReason === 'gone') return <Badge tone="bad">{t.states.gone}</Badge>
  return disabledReason === 'failing' ? (
    <Badge tone="bad">{t.states.disabledFailing}</Badge>
  ) : (
    <Badge tone="neutral">{t.states.disabled}</Badge>
  )
}
