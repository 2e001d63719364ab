const NAMES = ['online', 'pageshow', 'visibilitychange']

/**
 * Calls back when it is worth trying again: a browser that has reached its network, or whose page is
 * shown again. Elsewhere, never.
 *
 * @returns a function that ends it.
 */
export function whenAwake(callback: () => void): () => void {
  for (const name of NAMES) globalThis.addEventListener?.(name, callback)
  return () => {
    for (const name of NAMES) globalThis.removeEventListener?.(name, callback)
  }
}
