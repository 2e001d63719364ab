import { type Dispatcher, Pool } from 'undici'
import { type ConnectorsParts, createConnectors } from './connector.ts'
import type { ClientCertificate } from './tls.ts'

/** Where requests of a pool go. */
export interface PoolTarget {
  readonly origin: string
  /** Who wants it; where several tenants use one origin, the first of them looks up its name. */
  readonly tenantId: number
  readonly certificate?: ClientCertificate | undefined
}

/** Keeps connections open, one pool for each origin and each client's certificate. */
export interface HttpPools {
  /** The pool of an origin; ask for it before each request, since unused ones are closed. */
  of(target: PoolTarget): Dispatcher
  /** How many there are, those that are being closed left out. */
  readonly size: number
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
export interface HttpPoolsParts extends ConnectorsParts {
  readonly maxOrigins: number
}

const IDLE_MS = 60_000

/** Creates the pools of a sender. */
export function createHttpPools({ maxOrigins, ...parts }: HttpPoolsParts): HttpPools {
  // In the order of their last use.
  const pools = new Map<string, PoolEntry>()
  const closing = new Set<Pool>()
  const createConnector = createConnectors(parts)
  let latest: string | undefined

  /** Who asks for the origin again gets another pool. */
  function close(key: string, { pool }: PoolEntry): void {
    pools.delete(key)
    closing.add(pool)
    pool
      .close()
      .catch(() => {})
      .finally(() => closing.delete(pool))
  }

  /**
   * Leaves no more than so many, if so many are idle: those that have been for longest go. What is in use
   * stays, and there is no more of that than of requests under way.
   */
  function shrinkTo(count: number): void {
    for (const [key, entry] of pools) {
      if (pools.size <= count) return
      if (entry.pool.stats.size === 0) close(key, entry)
    }
  }

  function open(target: PoolTarget): PoolEntry {
    shrinkTo(maxOrigins - 1)
    // Attempts have a deadline of their own; undici's would only cost timers.
    const options = { connect: createConnector(target), headersTimeout: 0, bodyTimeout: 0, allowH2: false }
    return { pool: new Pool(target.origin, options), usedAt: 0 }
  }

  return {
    of(target) {
      const { origin, certificate } = target
      const key = certificate ? `${origin} ${certificate.fingerprint}` : origin
      let entry = pools.get(key)
      if (!entry) {
        entry = open(target)
        pools.set(key, entry)
      } else if (key !== latest) {
        pools.delete(key)
        pools.set(key, entry)
      }
      latest = key
      entry.usedAt = performance.now()
      return entry.pool
    },
    get size() {
      return pools.size
    },
    closeIdle() {
      const since = performance.now() - IDLE_MS
      for (const [key, entry] of pools) {
        if (entry.usedAt >= since) break
        if (entry.pool.stats.size === 0) close(key, entry)
      }
      shrinkTo(maxOrigins)
    },
    async destroy() {
      const all = [...[...pools.values()].map(({ pool }) => pool), ...closing]
      pools.clear()
      await Promise.all(all.map((pool) => pool.destroy()))
    },
  }
}
