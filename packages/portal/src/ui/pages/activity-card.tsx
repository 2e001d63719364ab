import { useState } from 'react'
import type { Statistics } from '../api-types.ts'
import { counted, duration, number } from '../format.ts'
import { BarChart } from '../parts/bar-chart.tsx'
import { Card } from '../parts/card.tsx'
import { Empty } from '../parts/empty.tsx'
import { LineChart } from '../parts/line-chart.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { useResource } from '../resources.ts'

const RANGES = [
  [1, 'Last hour'],
  [24, 'Last day'],
  [7 * 24, 'Last 7 days'],
  [30 * 24, 'Last 30 days'],
] as const

const HOUR_MS = 3_600_000

/** What was attempted over time, as charts and as a table. */
export function ActivityCard({ endpointId }: { readonly endpointId: string }) {
  const [hours, setHours] = useState(24)
  // To the minute, so that what is fetched again is the same.
  const [since, setSince] = useState(() => sinceOf(24))
  const resource = useResource<Statistics>(
    `endpoints/${encodeURIComponent(endpointId)}/statistics?since=${since}`,
  )
  const choose = (
    <select
      className="input slim-input"
      aria-label="Time shown"
      value={hours}
      onChange={(event) => {
        setHours(Number(event.target.value))
        setSince(sinceOf(Number(event.target.value)))
      }}
    >
      {RANGES.map(([value, title]) => (
        <option key={value} value={value}>
          {title}
        </option>
      ))}
    </select>
  )
  return (
    <Card title="Activity" actions={choose}>
      <ResourceView resource={resource}>
        {(statistics) =>
          statistics.total.attempts === 0 ? (
            <Empty title="No attempts in this time">
              <p>Once requests are sent, their results and how long they take show here.</p>
            </Empty>
          ) : (
            <Charts statistics={statistics} isLong={hours > 24} />
          )
        }
      </ResourceView>
    </Card>
  )
}

function sinceOf(hours: number): string {
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  return new Date(minute - hours * HOUR_MS).toISOString()
}

interface ChartsProps {
  readonly statistics: Statistics
  readonly isLong: boolean
}

function Charts({ statistics, isLong }: ChartsProps) {
  const { buckets, total, bucketSeconds } = statistics
  const format = new Intl.DateTimeFormat(
    undefined,
    isLong ? { month: 'short', day: 'numeric', hour: '2-digit' } : { hour: '2-digit', minute: '2-digit' },
  )
  const labels = buckets.map(({ from }) => format.format(new Date(from)))
  const success = `${counted(total.attempts, 'attempt')}: ${number(total.succeeded)} succeeded, ${number(total.failed)} failed`
  const latency = total.latency
    ? `Half were answered within ${duration(total.latency.p50Ms)}, 99 of 100 within ${duration(total.latency.p99Ms)}`
    : 'No answers'
  return (
    <>
      <Figures total={total} />
      <figure className="stack-tight">
        <figcaption className="legend">
          <span className="succeeded">succeeded</span>
          <span className="failed">failed</span>
        </figcaption>
        <BarChart
          summary={success}
          bars={buckets.map(({ from, succeeded, failed }, index) => ({
            key: from,
            label: labels[index] ?? '',
            lower: succeeded,
            upper: failed,
          }))}
        />
      </figure>
      <figure className="stack-tight">
        <figcaption className="legend">
          <span className="p50">half</span>
          <span className="p95">95 of 100</span>
          <span className="p99">99 of 100 took no longer</span>
        </figcaption>
        <LineChart
          summary={latency}
          labels={labels}
          lines={(['p50', 'p95', 'p99'] as const).map((className) => ({
            className,
            values: buckets.map(({ latency: one }) => one?.[`${className}Ms`]),
          }))}
        />
      </figure>
      <details>
        <summary className="small">The same as a table, by {duration(bucketSeconds * 1_000)}</summary>
        <BucketTable statistics={statistics} labels={labels} />
      </details>
    </>
  )
}

function Figures({ total }: { readonly total: Statistics['total'] }) {
  const { attempts, succeeded, exhausted, latency } = total
  const figures = [
    ['Attempts', number(attempts)],
    ['Succeeded', `${((100 * succeeded) / attempts).toFixed(succeeded === attempts ? 0 : 1)} %`],
    ['Given up', number(exhausted)],
    ['Half within', latency ? duration(latency.p50Ms) : 'none'],
    ['99 of 100 within', latency ? duration(latency.p99Ms) : 'none'],
  ]
  return (
    <dl className="figures">
      {figures.map(([title, value]) => (
        <div key={title}>
          <dt className="small quiet">{title}</dt>
          <dd className="big-number">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

interface BucketTableProps {
  readonly statistics: Statistics
  readonly labels: readonly string[]
}

function BucketTable({ statistics, labels }: BucketTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label="Activity as a table">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" className="number">
              Succeeded
            </th>
            <th scope="col" className="number">
              Failed
            </th>
            <th scope="col" className="number">
              Half within
            </th>
            <th scope="col" className="number">
              95 of 100
            </th>
            <th scope="col" className="number">
              99 of 100
            </th>
          </tr>
        </thead>
        <tbody>
          {statistics.buckets.map(({ from, attempts, succeeded, failed, latency }, index) =>
            attempts === 0 ? null : (
              <tr key={from}>
                <th scope="row">{labels[index]}</th>
                <td className="number">{number(succeeded)}</td>
                <td className="number">{number(failed)}</td>
                <td className="number">{latency && duration(latency.p50Ms)}</td>
                <td className="number">{latency && duration(latency.p95Ms)}</td>
                <td className="number">{latency && duration(latency.p99Ms)}</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </section>
  )
}
