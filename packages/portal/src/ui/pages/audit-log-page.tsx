import type { AuditEntry, Page } from '../api-types.ts'
import { useEndpointNames } from '../endpoint-names.ts'
import { list } from '../format.ts'
import { href } from '../hash-route.ts'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'

/** Who has changed what. */
export function AuditLogPage() {
  return (
    <>
      <PageHead title={t.shell.auditLog} about={t.audit.about} />
      <AuditLog />
    </>
  )
}

/** The changes of an endpoint, or of all; the page stands in the address. */
export function AuditLog({ endpointId }: { readonly endpointId?: string }) {
  const pages = usePages()
  const query = new URLSearchParams({ limit: '50' })
  if (endpointId !== undefined) query.set('endpointId', endpointId)
  if (pages.before !== undefined) query.set('before', pages.before)
  const resource = useResource<Page<AuditEntry>>(`audit-log?${query}`)
  const ids = resource.data?.items.flatMap((entry) => entry.endpointId ?? []) ?? []
  const nameOf = useEndpointNames(endpointId === undefined ? ids : [])
  return (
    <section className="card" aria-label={t.audit.entries} tabIndex={-1} ref={pages.list}>
      <ResourceView resource={resource}>
        {({ items, next }) => (
          <>
            {items.length === 0 && (
              <Empty title={t.audit.none}>
                <p>{t.audit.noneAbout}</p>
              </Empty>
            )}
            <ul className="rows">
              {items.map((entry) => (
                <Entry key={entry.id} entry={entry} nameOf={endpointId === undefined ? nameOf : undefined} />
              ))}
            </ul>
            <Pager pages={pages} next={next} />
          </>
        )}
      </ResourceView>
    </section>
  )
}

interface EntryProps {
  readonly entry: AuditEntry
  /** Names the endpoint, where there may be several. */
  readonly nameOf: ((id: string) => string) | undefined
}

function Entry({ entry, nameOf }: EntryProps) {
  const { action, actor, endpointId, details, createdOn } = entry
  const { fields, keyId, deliveryId, eventType } = details
  const parts = [
    // Those of alerts have no names of their own.
    ...(fields && action !== 'alerts_changed' ? [list(fields.map(fieldName))] : []),
    ...(eventType === undefined ? [] : [eventType]),
    ...(keyId === undefined ? [] : [keyId]),
  ]
  return (
    <li className="audit-entry">
      <span>
        <strong>{t.audit.actions[action]}</strong>
        {parts.length > 0 && <span className="quiet anywhere">{`: ${parts.join(', ')}`}</span>}
      </span>
      {nameOf && endpointId !== undefined && (
        <a className="small anywhere" href={href(['endpoints', endpointId])}>
          {nameOf(endpointId)}
        </a>
      )}
      {deliveryId !== undefined && (
        <a className="small" href={href(['deliveries', deliveryId])}>
          {t.delivery.title}
        </a>
      )}
      <span className="small quiet audit-who">
        {`${actor ?? t.audit.system} · `}
        <Time at={createdOn} isExact />
      </span>
    </li>
  )
}

function fieldName(field: string): string {
  const names: Readonly<Record<string, string>> = t.edit.fields
  return (Object.hasOwn(names, field) ? names[field] : undefined) ?? field
}
