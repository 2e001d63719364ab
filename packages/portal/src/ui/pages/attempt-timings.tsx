import type { DeliveryAttempt } from '../api-types.ts'
import { duration } from '../format.ts'
import { t } from '../preferences.ts'

const STEPS = ['dnsMs', 'connectMs', 'tlsMs', 'firstByteMs'] as const

/** How long the steps of an attempt took, and over which connection; nothing where that was not kept. */
export function Timings({ attempt }: { readonly attempt: DeliveryAttempt }) {
  const { timings, connection, durationMs } = attempt
  if (!timings && !connection) return null
  const steps = STEPS.flatMap((step) => {
    const ms = timings?.[step]
    return ms === undefined ? [] : [{ step, ms }]
  })
  const rest = durationMs - steps.reduce((sum, { ms }) => sum + ms, 0)
  const all = [...steps, ...(steps.length > 0 && rest > 0.5 ? [{ step: 'restMs', ms: rest } as const] : [])]
  return (
    <details>
      <summary className="small">{t.attempt.timings}</summary>
      <div className="stack-tight">
        {all.length > 0 && (
          <dl className="timings">
            {all.map(({ step, ms }) => (
              <div key={step}>
                <dt className="small quiet">{t.attempt.steps[step]}</dt>
                <dd>
                  <meter className="meter" min={0} max={Math.max(1, durationMs)} value={ms}>
                    {duration(ms)}
                  </meter>
                  <span className="small">{duration(ms)}</span>
                </dd>
              </div>
            ))}
          </dl>
        )}
        {connection && <p className="small quiet anywhere">{connectionText(connection)}</p>}
      </div>
    </details>
  )
}

function connectionText(connection: NonNullable<DeliveryAttempt['connection']>): string {
  const { reused, viaProxy, httpVersion, remoteAddress, remotePort, tlsVersion } = connection
  const address =
    remoteAddress === undefined
      ? undefined
      : `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}${remotePort === undefined ? '' : `:${remotePort}`}`
  return [
    address,
    `HTTP/${httpVersion}`,
    tlsVersion,
    reused ? t.attempt.reused : t.attempt.newConnection,
    viaProxy ? t.attempt.viaProxy : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(' · ')
}
