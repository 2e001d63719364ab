import { useState } from 'react'
import type { Statistics } from '../api-types.ts'
import { axisTime, duration, number, percent, shortTime, zoneText } from '../format.ts'
import { BarChart } from '../parts/bar-chart.tsx'
import { Card } from '../parts/card.tsx'
import { Empty } from '../parts/empty.tsx'
import { LineChart } from '../parts/line-chart.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'

const RANGES = [1, 24, 168, 720] as const
const HOUR_MS = 3_600_000

/** What was attempted over time, as charts and as a table. */
export function ActivityCard({ endpointId }: { readonly endpointId: string }) {
  const [hours, setHours] = useState<number>(24)
  // To the minute, so that what is fetched again is the same.
  const [since, setSince] = useState(() => sinceOf(24))
  const resource = useResource<Statistics>(
    `endpoints/${encodeURIComponent(endpointId)}/statistics?since=${since}`,
  )
  const choose = (
    <select
      className="input slim-input"
      aria-label={t.activity.range}
      value={hours}
      onChange={(event) => {
        setHours(Number(event.target.value))
        setSince(sinceOf(Number(event.target.value)))
      }}
    >
      {RANGES.map((value) => (
        <option key={value} value={value}>
          {t.range.last[value]}
        </option>
      ))}
    </select>
  )
  return (
    <Card title={t.activity.title} actions={choose}>
      <ResourceView resource={resource}>
        {(statistics) =>
          statistics.total.attempts === 0 ? (
            <Empty title={t.activity.none}>
              <p>{t.activity.noneAbout}</p>
            </Empty>
          ) : (
            <Charts statistics={statistics} hours={hours} />
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
  readonly hours: number
}

function Charts({ statistics, hours }: ChartsProps) {
  const { buckets, total, bucketSeconds } = statistics
  const { latency } = total
  return (
    <>
      <Figures total={total} />
      <div className="halves">
        <figure className="stack-tight">
          <figcaption className="legend">
            <span className="succeeded">{t.activity.succeeded}</span>
            <span className="failed">{t.activity.failed}</span>
          </figcaption>
          <BarChart
            summary={t.activity.summary(total.attempts, total.succeeded, total.failed)}
            bars={buckets.map(({ from, succeeded, failed }) => ({
              key: from,
              label: axisTime(from, hours),
              lower: succeeded,
              upper: failed,
            }))}
          />
        </figure>
        <figure className="stack-tight">
          <figcaption className="legend">
            {t.activity.latency}
            <span className="p50">p50</span>
            <span className="p95">p95</span>
            <span className="p99">p99</span>
          </figcaption>
          <LineChart
            summary={
              latency
                ? t.activity.latencySummary(duration(latency.p50Ms), duration(latency.p99Ms))
                : t.activity.noResponses
            }
            labels={buckets.map(({ from }) => axisTime(from, hours))}
            lines={(['p50', 'p95', 'p99'] as const).map((className) => ({
              className,
              values: buckets.map(({ latency: one }) => one?.[`${className}Ms`]),
            }))}
          />
        </figure>
      </div>
      <p className="small quiet">{t.activity.zone(zoneText())}</p>
      <details>
        <summary className="small">{t.activity.asTable(duration(bucketSeconds * 1_000))}</summary>
        <BucketTable statistics={statistics} />
      </details>
    </>
  )
}

function Figures({ total }: { readonly total: Statistics['total'] }) {
  const { attempts, succeeded, exhausted, latency } = total
  const figures = [
    [t.activity.attempts, number(attempts)],
    [t.activity.successRate, percent(succeeded, attempts)],
    [t.activity.exhausted, number(exhausted)],
    ['p50', latency ? duration(latency.p50Ms) : t.common.none],
    ['p99', latency ? duration(latency.p99Ms) : t.common.none],
  ] as const
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

function BucketTable({ statistics }: { readonly statistics: Statistics }) {
  const columns = [t.activity.succeeded, t.activity.failed, 'p50', 'p95', 'p99']
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label={t.activity.table}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t.activity.from}</th>
            {columns.map((title) => (
              <th scope="col" className="number" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {statistics.buckets.map(({ from, attempts, succeeded, failed, latency }) =>
            attempts === 0 ? null : (
              <tr key={from}>
                <th scope="row">{shortTime(from)}</th>
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
