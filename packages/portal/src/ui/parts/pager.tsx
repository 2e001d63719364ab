import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type RefObject, useEffect, useRef } from 'react'
import { fullTime } from '../format.ts'
import { depth, go, useHashRoute, withQuery } from '../hash-route.ts'
import { t } from '../preferences.ts'
import { Button } from './button.tsx'

/** Which page of a list is shown: its place in the list stands in the address. */
export interface Pages {
  /** Where it begins; undefined for the first. */
  readonly before: string | undefined
  /** Of the list: takes the focus when another page of it is shown. */
  readonly list: RefObject<HTMLElement | null>
}

export function usePages(): Pages {
  const before = useHashRoute().query.get('before') ?? undefined
  const list = useRef<HTMLElement>(null)
  const shown = useRef(before)
  useEffect(() => {
    if (shown.current === before) return
    shown.current = before
    list.current?.scrollIntoView({ block: 'nearest' })
    list.current?.focus({ preventScroll: true })
  }, [before])
  return { before, list }
}

interface PagerProps {
  readonly pages: Pages
  readonly next: string | null
  /** How far a search has looked, where it has not come to its end. */
  readonly searchedBackTo?: string | null
}

/** Goes through the pages of a list; nothing where there is only one. */
export function Pager({ pages: { before }, next, searchedBackTo = null }: PagerProps) {
  const route = useHashRoute()
  const isPaged = before !== undefined || next !== null
  return (
    <>
      {searchedBackTo !== null && (
        <p className="card-body small quiet" role="status">
          {t.deliveries.searchedBackTo(fullTime(searchedBackTo))}
        </p>
      )}
      {isPaged && (
        <nav className="row card-body" aria-label={t.pager.label}>
          {before !== undefined && (
            <Button onClick={() => (depth() > 0 ? history.back() : go(withQuery(route, { before: '' })))}>
              <ChevronLeft aria-hidden /> {t.pager.newer}
            </Button>
          )}
          {next !== null && (
            <Button onClick={() => go(withQuery(route, { before: next }))}>
              {searchedBackTo === null ? t.pager.older : t.pager.further} <ChevronRight aria-hidden />
            </Button>
          )}
        </nav>
      )}
    </>
  )
}
