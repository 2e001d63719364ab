import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type RefObject, useEffect, useRef } from 'react'
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
  /** What the button to the next page says. */
  readonly older?: string | undefined
}

/** Goes through the pages of a list; nothing where there is only one. */
export function Pager({ pages: { before }, next, older = t.pager.older }: PagerProps) {
  const route = useHashRoute()
  if (before === undefined && next === null) return null
  return (
    <nav className="row card-body" aria-label={t.pager.label}>
      {before !== undefined && (
        <Button onClick={() => (depth() > 0 ? history.back() : go(withQuery(route, { before: '' })))}>
          <ChevronLeft aria-hidden /> {t.pager.newer}
        </Button>
      )}
      {next !== null && (
        <Button onClick={() => go(withQuery(route, { before: next }))}>
          {older} <ChevronRight aria-hidden />
        </Button>
      )}
    </nav>
  )
}
