import { type Dispatcher, Pool } from 'undici'
import type { AddressPolicy } from './address-policy.ts'
import { createGuardedConnector } from './guarded-connector.ts'
import type { ResolveAll } from './guarded-lookup.ts'

/** Keeps connections open, one pool for each origin. */
export interface HttpPools {
  /** The pool of an origin; ask for it before each request, since unused ones are closed. */
  of(origin: string): Dispatcher
  /** Closes what has not been asked for lately. */
  closeIdle(): void
  /** Cuts off whatever is still under way. */
  destroy(): Promise<void>
}

interface PoolEntry {
  readonly pool: Pool
  usedAt: number
}

/** What {@link createHttpPools} works with. */
export interface HttpPoolsParts {
  readonly addressPolicy: AddressPolicy
  readonly connectTimeoutMs: number
  readonly resolveAll?: ResolveAll | undefined
}

const MAX_POOLS = 512
const IDLE_MS = 60_000

/** Creates the pools of a sender. */
export function createHttpPools({ addressPolicy, connectTimeoutMs, resolveAll }: HttpPoolsParts): HttpPools {
  const pools = new Map<string, PoolEntry>()
  const connect = createGuardedConnector(addressPolicy, connectTimeoutMs, resolveAll)

  /** Lets requests under way end; who asks for the origin again gets another pool. */
  function close(origin: string, { pool }: PoolEntry): void {
    pools.delete(origin)
    pool.close().catch(() => {})
  }

  function closeUnusedSince(time: number): void {
    for (const [origin, entry] of pools) if (entry.usedAt < time) close(origin, entry)
  }

  return {
    of(origin) {
      let entry = pools.get(origin)
      if (!entry) {
        if (pools.size >= MAX_POOLS) {
          const [oldest] = [...pools].sort(([, a], [, b]) => a.usedAt - b.usedAt)
          if (oldest) close(...oldest)
        }
        // Attempts have a deadline of their own; undici's would only cost timers.
        const pool = new Pool(origin, { connect, headersTimeout: 0, bodyTimeout: 0, allowH2: false })
        entry = { pool, usedAt: 0 }
        pools.set(origin, entry)
      }
      entry.usedAt = performance.now()
      return entry.pool
    },
    closeIdle() {
      closeUnusedSince(performance.now() - IDLE_MS)
    },
    async destroy() {
      const all = [...pools.values()]
      pools.clear()
      await Promise.all(all.map(({ pool }) => pool.destroy()))
    },
  }
}
