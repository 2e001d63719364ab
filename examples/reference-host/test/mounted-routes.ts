/** A route of the router, with its path as it was written: `/api/Page/:id`. */
export interface MountedRoute {
  readonly method: string
  readonly path: string
}

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Record<string, boolean> }
  readonly handle: object & { readonly stack?: readonly Layer[] }
  /** Whether it is for every path. */
  readonly slash: boolean
}

/** Every route of an Express application: the real ones, and not a list that somebody keeps. */
export function mountedRoutes(router: object): MountedRoute[] {
  const { stack = [] } = router as Partial<Layer['handle']>
  return stack.flatMap(({ route, handle, slash }) => {
    if (route) {
      return Object.keys(route.methods).map((method) => ({ method: method.toUpperCase(), path: route.path }))
    }
    if (!handle.stack) return []
    if (!slash) throw new Error('A router is mounted below a path: its routes are not known here.')
    return mountedRoutes(handle)
  })
}
