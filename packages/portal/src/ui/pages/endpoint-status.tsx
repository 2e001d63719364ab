import { CircleCheck, CircleOff, TriangleAlert } from 'lucide-react'
import type { Endpoint } from '../api-types.ts'
import { fullTime } from '../format.ts'
import { t } from '../preferences.ts'
import { EnableButton } from './enable-button.tsx'

/** What is the matter with an endpoint, and what can be done about it. */
export function EndpointStatus({ endpoint }: { readonly endpoint: Endpoint }) {
  const { enabled, failingSince, disabledReason } = endpoint
  const tone = enabled
    ? failingSince === undefined
      ? 'good'
      : 'warn'
    : disabledReason === 'manual'
      ? 'neutral'
      : 'bad'
  const Icon = tone === 'good' ? CircleCheck : tone === 'neutral' ? CircleOff : TriangleAlert
  return (
    <section className={`status ${tone}`} aria-label={t.status.title}>
      <Icon aria-hidden />
      <div className="stack-tight" role="status">
        <p>{sentenceOf(endpoint)}</p>
      </div>
      <div className="row">
        <EnableButton endpoint={endpoint} />
      </div>
    </section>
  )
}

function sentenceOf({ enabled, failingSince, disabledReason, disabledOn, url }: Endpoint): string {
  if (!enabled) return t.status.disabled[disabledReason ?? 'manual'](disabledOn ? fullTime(disabledOn) : '')
  if (url === undefined) return t.status.pull
  return failingSince === undefined ? t.status.healthy : t.status.failing(fullTime(failingSince))
}
