import { Client, type Dispatcher, Pool } from 'undici'
import { beginConnection, type ConnectionSlot, type ConnectionUser } from './connection.ts'
import { type ConnectorsParts, createConnectors, type OpenConnection } from './connector.ts'
import type { ClientCertificate } from './tls.ts'

/** The consumer of a pool. */
export interface PoolTarget {
  readonly origin: string
  /** The tenant that the lookup counts for. Where several tenants use one origin, the first one's lookup serves all. */
  readonly tenantId: number
  readonly certificate?: ClientCertificate | undefined
}

/** Keeps connections open: one pool for each origin and client certificate. */
export interface HttpPools {
  /** The pool of an origin. Get it before each request, since idle pools are closed. */
  of(target: PoolTarget): Dispatcher
  /** Open pools, without those that are being closed. */
  readonly size: number
  /** Closes pools that were idle for a minute. */
  closeIdle(): void
  /** Aborts all requests, and closes all connections. */
  destroy(): Promise<void>
}

interface PoolEntry {
  readonly pool: Pool
  usedAt: number
}

/** What {@link createHttpPools} needs. */
export interface HttpPoolsParts extends ConnectorsParts {
  readonly maxOrigins: number
}

const IDLE_MS = 60_000

/** A client of a pool, with one connection at a time. It tells requests which one is theirs. */
class PooledClient extends Client {
  readonly #slot: ConnectionSlot

  constructor(origin: URL, options: object, open: OpenConnection) {
    const slot: ConnectionSlot = { connection: undefined }
    super(origin, {
      ...options,
      connect(given, callback) {
        slot.connection = beginConnection()
        open(given, callback, slot.connection)
      },
    })
    this.#slot = slot
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: DispatchHandler): boolean {
    handler.sentBy?.(this.#slot)
    return super.dispatch(options, handler)
  }
}

type DispatchHandler = Dispatcher.DispatchHandler & Partial<ConnectionUser>

/** Creates the pools of a sender. */
export function createHttpPools({ maxOrigins, ...parts }: HttpPoolsParts): HttpPools {
  // In the order of their last use.
  const pools = new Map<string, PoolEntry>()
  const closing = new Set<Pool>()
  const createConnector = createConnectors(parts)
  let latest: string | undefined

  /** Closes a pool once its requests have ended. The next request to the origin opens another one. */
  function close(key: string, { pool }: PoolEntry): void {
    pools.delete(key)
    closing.add(pool)
    pool
      .close()
      .catch(() => {})
      .finally(() => closing.delete(pool))
  }

  /**
   * Closes idle pools, the longest idle first, until at most `count` are left. Pools in use stay; there are no more of
   * them than requests in flight.
   */
  function shrinkTo(count: number): void {
    for (const [key, entry] of pools) {
      if (pools.size <= count) return
      if (entry.pool.stats.size === 0) close(key, entry)
    }
  }

  function open(target: PoolTarget): PoolEntry {
    shrinkTo(maxOrigins - 1)
    const connect = createConnector(target)
    const pool = new Pool(target.origin, {
      factory: (origin, options) => new PooledClient(origin, options, connect),
      // Attempts have a deadline of their own. Timers of undici would only add cost.
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    })
    return { pool, usedAt: 0 }
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
