import type { Logger } from '@x/events-core'
import { closeSocket, noteQueries, type PostgresClient, type PostgresPool } from './postgres-pool.ts'

const guarded = new WeakSet<object>()

/**
 * Keeps a lost connection from ending the process. A connection of `pg` emits `error` when its server
 * goes away, and while it is lent out for a transaction it has no listener: Node then ends the process,
 * although the query of its user fails anyway.
 *
 * Also limits how long a connection may take to open, unless the host has set `connectionTimeoutMillis`: one that
 * hangs keeps its place in the pool.
 */
export function guardConnections(pool: PostgresPool, openWithinMs: number, logger: Logger): void {
  if (guarded.has(pool) || !pool.on) return
  guarded.add(pool)
  const lost = (error?: Error) => {
    // Closed by the host; whatever a server that stops at the same time says of it.
    if (pool.ending) return
    logger.warn({ err: error }, 'A connection to the database was lost')
  }
  pool.on('error', lost)
  pool.on('acquire', (client) => {
    if (guarded.has(client)) return
    guarded.add(client)
    client.on('error', lost)
    noteQueries(client)
  })
  limitOpening(pool, openWithinMs)
}

type ClientClass = new (
  ...parameters: never[]
) => PostgresClient & { once?(event: string, listener: () => void): unknown }

/** `pg.Pool` makes its clients of the class that it keeps in this property. */
function limitOpening(pool: PostgresPool & { Client?: unknown }, openWithinMs: number): void {
  const { Client } = pool
  if (typeof Client !== 'function' || pool.options?.connectionTimeoutMillis) return
  pool.Client = class extends (Client as ClientClass) {
    constructor(...parameters: never[]) {
      super(...parameters)
      const timer = setTimeout(() => closeSocket(this), openWithinMs).unref()
      this.once?.('connect', () => clearTimeout(timer))
      this.once?.('end', () => clearTimeout(timer))
    }
  }
}
