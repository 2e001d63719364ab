import { Search } from 'lucide-react'
import { useId } from 'react'
import type { EventType } from '../api-types.ts'
import { go, href, useHashRoute } from '../hash-route.ts'
import { Badge } from '../parts/badge.tsx'
import { Card } from '../parts/card.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Prose } from '../parts/prose.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'

/** What endpoints can ask for, by entity. */
export function EventTypesPage() {
  const resource = useResource<{ items: readonly EventType[] }>('event-types')
  const search = useHashRoute().query.get('search') ?? ''
  const id = useId()
  const words = search.trim().toLowerCase()
  const isFound = ({ type, description }: EventType) => `${type} ${description}`.toLowerCase().includes(words)
  return (
    <>
      <PageHead title={t.shell.catalog} about={t.catalog.about} />
      <search className="filters">
        <div className="field">
          <label htmlFor={id}>{t.catalog.search}</label>
          <span className="search-box">
            <Search aria-hidden />
            <input
              id={id}
              type="search"
              className="input"
              value={search}
              onChange={(event) =>
                go(href(['event-types'], { search: event.target.value }), { replace: true })
              }
            />
          </span>
        </div>
      </search>
      <ResourceView resource={resource}>
        {({ items }) => <Groups types={items.filter(isFound)} isSearch={words !== ''} />}
      </ResourceView>
    </>
  )
}

function Groups({ types, isSearch }: { readonly types: readonly EventType[]; readonly isSearch: boolean }) {
  const own = types.filter(({ builtIn }) => !builtIn)
  const builtIn = types.filter((type) => type.builtIn)
  const groups = Map.groupBy(own, ({ type }) => type.slice(0, type.indexOf('.')))
  return (
    <>
      <div className="visually-hidden" role="status">
        {isSearch && t.picker.found(types.length)}
      </div>
      {own.length === 0 && (
        <div className="card">
          <Empty title={isSearch ? t.picker.none : t.catalog.none}>
            {!isSearch && (
              <p>
                <Prose text={t.catalog.noneAbout} />
              </p>
            )}
          </Empty>
        </div>
      )}
      <div className="catalog">
        {[...groups].map(([entity, members]) => (
          <Types key={entity} title={entity} types={members} />
        ))}
        {builtIn.length > 0 && <Types title={t.catalog.builtIn} types={builtIn} />}
      </div>
    </>
  )
}

function Types({ title, types }: { readonly title: string; readonly types: readonly EventType[] }) {
  return (
    <Card title={title} isFlush>
      <ul className="rows">
        {types.map(({ type, description, deprecated }) => (
          <li key={type}>
            <a className="row-link catalog-row" href={href(['event-types', type])}>
              <span className="mono anywhere">{type}</span>
              {deprecated && <Badge tone="warn">{t.states.deprecated}</Badge>}
              <span className="small quiet anywhere">{description}</span>
            </a>
          </li>
        ))}
      </ul>
    </Card>
  )
}
