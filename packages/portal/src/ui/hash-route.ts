import { useMemo, useSyncExternalStore } from 'react'

/** Where in the portal one is: what stands behind `#` in the address. */
export interface HashRoute {
  /** `['endpoints', 'ep_1']` of `#/endpoints/ep_1?tab=x`. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

// The address behind # works below any mount path, and needs nothing of the server.
function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  addEventListener('popstate', listener)
  return () => {
    removeEventListener('hashchange', listener)
    removeEventListener('popstate', listener)
  }
}

/** The route of the address now, and after each change. */
export function useHashRoute(): HashRoute {
  const hash = useSyncExternalStore(subscribe, () => location.hash)
  return useMemo(() => routeOf(hash), [hash])
}

function routeOf(hash: string): HashRoute {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const segments = path.split('/').filter((segment) => segment !== '')
  return { segments: segments.map(decode), query: new URLSearchParams(query) }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

type Query = Readonly<Record<string, string | undefined>>

/** A link to a place in the portal; what is empty in the query is left out. */
export function href(segments: readonly string[], query: Query = {}): string {
  const params = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]))
  const search = params.length === 0 ? '' : `?${new URLSearchParams(params)}`
  return `#/${segments.map(encodeURIComponent).join('/')}${search}`
}

/** Goes to a place in the portal. */
export function go(to: string, { replace = false } = {}): void {
  // At once, and not when the browser comes to it: what is left behind must not be asked for again.
  if (replace) history.replaceState(history.state, '', to)
  else history.pushState({ depth: depth() + 1 }, '', to)
  dispatchEvent(new HashChangeEvent('hashchange'))
}

/** How many places were gone to from within the pages: whether there is a way back. */
export function depth(): number {
  return (history.state as { depth?: number } | null)?.depth ?? 0
}

/** A link to the same place with another query; what is `undefined` in it stays. */
export function withQuery({ segments, query }: HashRoute, changed: Query): string {
  return href(segments, { ...Object.fromEntries(query), ...changed })
}

const lastPlaces = new Map<string, string>()

/** Remembers where in a list one is, so that the way back leads there. */
export function rememberPlace(area: string): void {
  // A list that is being left still hears of the address that comes after it.
  if (routeOf(location.hash).segments.length > 1) return
  lastPlaces.set(area, location.hash === '' ? href([area]) : location.hash)
}

/** The way back to a list: with the filters and the page that were left. */
export function placeOf(area: string): string {
  return lastPlaces.get(area) ?? href([area])
}
