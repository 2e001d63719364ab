import type { ResolveAll } from './guarded-lookup.ts'

/** How a name was resolved the last time. */
type Pace = 'fast' | 'unknown' | 'slow'

interface Question {
  readonly at: number
  ask(): void
  drop(): void
}

const PLACES: Readonly<Record<Pace, number>> = { fast: Number.POSITIVE_INFINITY, unknown: 2, slow: 1 }
const SLOW_MS = 1_000
const WAIT_AT_MOST_MS = 30_000
const MAX_REMEMBERED = 10_000

/**
 * The system's resolver works on four names at once, in threads that all of the process shares, its files
 * included. Names whose servers do not answer would take them all: so those that were slow share one place, and
 * those that nobody knows yet share two. A name that was resolved fast has no need to wait.
 */
export function sparingThreads(resolveAll: ResolveAll): ResolveAll {
  const paces = new Map<string, Pace>()
  const underWay: Record<Pace, number> = { fast: 0, unknown: 0, slow: 0 }
  const waiting: Record<Pace, Question[]> = { fast: [], unknown: [], slow: [] }

  function remember(hostname: string, pace: Pace): void {
    paces.delete(hostname)
    paces.set(hostname, pace)
    if (paces.size <= MAX_REMEMBERED) return
    const [oldest] = paces.keys()
    if (oldest !== undefined) paces.delete(oldest)
  }

  function next(pace: Pace): void {
    while (underWay[pace] < PLACES[pace]) {
      const question = waiting[pace].shift()
      if (!question) return
      // Whoever has asked it has given up long ago.
      if (performance.now() - question.at > WAIT_AT_MOST_MS) question.drop()
      else question.ask()
    }
  }

  return (hostname, options, answer) => {
    const pace = paces.get(hostname) ?? 'unknown'
    waiting[pace].push({
      at: performance.now(),
      ask() {
        const startedAt = performance.now()
        underWay[pace] += 1
        resolveAll(hostname, options, (error, addresses) => {
          underWay[pace] -= 1
          remember(hostname, performance.now() - startedAt < SLOW_MS ? 'fast' : 'slow')
          next(pace)
          answer(error, addresses)
        })
      },
      drop() {
        const message = `${hostname} was not asked for: other names are slow to resolve.`
        answer(Object.assign(new Error(message), { code: 'ETIMEOUT' }), [])
      },
    })
    next(pace)
  }
}
