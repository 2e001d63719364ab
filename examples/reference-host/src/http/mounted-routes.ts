import type { Router } from 'express'

/** A route of the router, with its whole path as it was written: `/api/Page/:id`. */
export interface MountedRoute {
  readonly method: string
  readonly path: string
}

// Routers forget where they were mounted: they keep what matches a path, and not the path.
const mounted = new WeakMap<object, string>()

/** Mounts a router, each at one place, so that {@link mountedRoutes} knows where. */
export function mount(parent: Pick<Router, 'use'>, path: string, router: Router): void {
  mounted.set(router, path)
  parent.use(path, router)
}

interface Layer {
  readonly route?: { readonly path: string | readonly string[]; readonly methods: Record<string, boolean> }
  readonly handle: object & { readonly stack?: readonly Layer[] }
  /** Whether it is for every path. */
  readonly slash: boolean
}

/**
 * Every route of a router and of those mounted in it: the real ones, and not a list that somebody keeps.
 *
 * @throws for a router that was put under a path without {@link mount}.
 */
export function mountedRoutes(router: object, base = ''): MountedRoute[] {
  const { stack = [] } = router as Partial<Layer['handle']>
  return stack.flatMap(({ route, handle, slash }) => {
    if (route) {
      const paths = typeof route.path === 'string' ? [route.path] : route.path
      const methods = Object.keys(route.methods).map((method) => method.toUpperCase())
      return paths.flatMap((path) =>
        methods.map((method) => ({ method, path: `${base}${path}`.replace(/(.)\/$/, '$1') })),
      )
    }
    if (!handle.stack) return []
    const path = mounted.get(handle)
    if (path === undefined && !slash) throw new Error(`A router below "${base}" is mounted without mount().`)
    return mountedRoutes(handle, base + (path ?? ''))
  })
}
