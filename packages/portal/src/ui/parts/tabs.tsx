import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'
import { go, useHashRoute, withQuery } from '../hash-route.ts'

/** One of the parts that a page shows in turn. */
export interface Tab {
  readonly id: string
  readonly title: string
  readonly content: ReactNode
}

interface TabsProps {
  readonly tabs: readonly [Tab, ...Tab[]]
  /** What they are parts of. */
  readonly label: string
}

/** Parts of a page; the one that is shown stands in the address. */
export function Tabs({ tabs, label }: TabsProps) {
  const route = useHashRoute()
  const wanted = route.query.get('tab')
  const shown = tabs.find(({ id }) => id === wanted) ?? tabs[0]
  // The queries of the other parts mean nothing in this one.
  const choose = (id: string) =>
    go(withQuery({ ...route, query: new URLSearchParams() }, { tab: id === tabs[0].id ? '' : id }))
  return (
    <Base.Root value={shown.id} onValueChange={(id) => choose(String(id))} className="tabs">
      <Base.List className="tab-list" aria-label={label} activateOnFocus={false}>
        {tabs.map(({ id, title }) => (
          <Base.Tab key={id} value={id} className="tab">
            {title}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map(({ id, content }) => (
        <Base.Panel key={id} value={id} className="tab-panel">
          {content}
        </Base.Panel>
      ))}
    </Base.Root>
  )
}
