import { useState } from 'react'
import { Button } from './button.tsx'

/** Which page of a list is shown: the places where the pages before it have begun. */
export interface Pages {
  /** To be added to the query that asks for the page. */
  readonly query: string
  readonly isFirst: boolean
  forward(next: string): void
  back(): void
}

export function usePages(): Pages {
  const [starts, setStarts] = useState<readonly string[]>([])
  const before = starts.at(-1)
  return {
    query: before === undefined ? '' : `&before=${encodeURIComponent(before)}`,
    isFirst: before === undefined,
    forward: (next) => setStarts([...starts, next]),
    back: () => setStarts(starts.slice(0, -1)),
  }
}

/** Goes through the pages of a list; nothing where there is only one. */
export function Pager({ pages, next }: { readonly pages: Pages; readonly next: string | null }) {
  if (pages.isFirst && next === null) return null
  return (
    <div className="row card-body">
      {!pages.isFirst && <Button onClick={pages.back}>Newer</Button>}
      {next !== null && <Button onClick={() => pages.forward(next)}>Older</Button>}
    </div>
  )
}
