import { useEffect, useState } from 'react'
import type { Endpoint, Page } from './api-types.ts'
import { ask } from './http.ts'
import { endpointName } from './parts/endpoint-name.ts'

const PAGE = '100'
// A list of deliveries is drawn far more often than a URL changes.
const MAX_AGE_MS = 60_000

interface Names {
  readonly known: Map<string, string>
  readonly loadedAt: number
}

let names: Names | undefined
let loading: Promise<Names> | undefined

/** Reads endpoints page by page, until all of these are known; one that is deleted is in none. */
async function load(ids: readonly string[]): Promise<Names> {
  const known = new Map<string, string>()
  let before: string | null = null
  do {
    const query = new URLSearchParams({ limit: PAGE, ...(before === null ? {} : { before }) })
    const page: Page<Endpoint> = await ask<Page<Endpoint>>('GET', `endpoints?${query}`)
    for (const endpoint of page.items) known.set(endpoint.id, endpointName(endpoint))
    before = page.next
  } while (before !== null && !ids.every((id) => known.has(id)))
  return { known, loadedAt: performance.now() }
}

async function namesFor(ids: readonly string[]): Promise<Names> {
  const isFresh = names !== undefined && performance.now() - names.loadedAt < MAX_AGE_MS
  if (names && isFresh && ids.every((id) => names?.known.has(id))) return names
  loading ??= load(ids).finally(() => {
    loading = undefined
  })
  names = await loading
  return names
}

/** What the endpoints of a list are called; the id, where one is deleted or not known yet. */
export function useEndpointNames(ids: readonly string[]): (id: string) => string {
  const [known, setKnown] = useState<ReadonlyMap<string, string>>(names?.known ?? new Map())
  const key = [...new Set(ids)].sort().join(' ')
  useEffect(() => {
    if (key === '') return
    let isShown = true
    namesFor(key.split(' ')).then(
      (loaded) => isShown && setKnown(loaded.known),
      () => {},
    )
    return () => {
      isShown = false
    }
  }, [key])
  return (id) => known.get(id) ?? id
}

/** Forgets the names, when somebody else may look. */
export function forgetEndpointNames(): void {
  names = undefined
}
