import type { ReactNode } from 'react'
import type { Endpoint } from '../api-types.ts'
import { duration, fullTime } from '../format.ts'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { HeaderValues } from '../parts/header-values.tsx'
import { t } from '../preferences.ts'
import { CertificateFacts } from './endpoint-form-certificate.tsx'
import { orderingText } from './endpoint-form-more.tsx'

/** How an endpoint is configured. */
export function EndpointSettings({ endpoint }: { readonly endpoint: Endpoint }) {
  const { eventTypes, filter, siteId, clientCertificate, ownership, format, payloadVersion } = endpoint
  const facts: readonly (readonly [string, ReactNode] | undefined)[] = [
    [
      t.settings.events,
      <span className="row" key="events">
        {eventTypes.map((type) => (
          <span className="chip" key={type}>
            {type === '*' ? t.endpoint.allEvents : type}
          </span>
        ))}
      </span>,
    ],
    filter === undefined
      ? undefined
      : [t.filter.title, <Code key="filter" text={JSON.stringify(filter, null, 2)} label={t.filter.title} />],
    siteId === undefined ? undefined : [t.settings.site, t.settings.siteOnly(siteId)],
    ...paceFacts(endpoint),
    [t.form.signature, t.signature[endpoint.signature].kind],
    clientCertificate && [
      t.form.certificate,
      <CertificateFacts certificate={clientCertificate} key="certificate" />,
    ],
    ownership && [t.settings.ownership, t.settings.ownerships[ownership]],
    endpoint.sequence ? [t.settings.messages, t.settings.numbered] : undefined,
    [
      t.form.format,
      payloadVersion === undefined
        ? t.formats[format]
        : `${t.formats[format]}, ${t.settings.version(payloadVersion)}`,
    ],
    Object.keys(endpoint.metadata).length === 0
      ? undefined
      : [t.metadata.title, <Named key="metadata" values={endpoint.metadata} />],
    [t.delivery.created, fullTime(endpoint.createdOn)],
    [
      t.settings.id,
      <span className="mono" key="id">
        {endpoint.id}
      </span>,
    ],
  ]
  return (
    <Card title={t.settings.title}>
      <dl className="facts">
        {facts.map(
          (fact) =>
            fact && (
              <div className="fact" key={fact[0]}>
                <dt>{fact[0]}</dt>
                <dd>{fact[1]}</dd>
              </div>
            ),
        )}
      </dl>
    </Card>
  )
}

function Named({ values }: { readonly values: Endpoint['metadata'] }) {
  return Object.entries(values).map(([name, value]) => (
    <div className="anywhere" key={name}>{`${name}: ${value}`}</div>
  ))
}

function paceFacts({ url, ordering, concurrency, rateLimit, headers, retrySchedule }: Endpoint) {
  if (url === undefined) return [[t.form.delivery, t.settings.pull] as const]
  const facts: (readonly [string, ReactNode])[] = [
    [t.form.order, orderingText(typeof ordering === 'object' ? ordering.by : ordering)],
    [t.form.concurrency, t.counts.requests(concurrency.max)],
    [
      t.form.rateLimit,
      rateLimit ? t.settings.rate(rateLimit.limit, duration(rateLimit.perSeconds * 1_000)) : t.common.none,
    ],
  ]
  if (retrySchedule) {
    const waits = retrySchedule.map((seconds) =>
      seconds === 0 ? t.settings.atOnce : duration(seconds * 1_000),
    )
    facts.push([t.settings.retries, waits.join(', ')])
  }
  if (Object.keys(headers).length > 0)
    facts.push([t.headers.title, <HeaderValues headers={headers} key="headers" />])
  return facts
}
