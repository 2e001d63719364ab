import type { Logger } from '@x/events-core'
import type { PostgresPool } from './postgres-notifier.ts'

const guarded = new WeakSet<object>()

/**
 * Keeps a lost connection from ending the process. A connection of `pg` emits `error` when its server
 * goes away, and while it is lent out for a transaction nobody listens: Node then ends the process,
 * although whoever uses the connection hears of it by the query that fails.
 */
export function guardConnections(pool: PostgresPool, logger: Logger): void {
  if (guarded.has(pool) || !pool.on) return
  guarded.add(pool)
  const lost = (error?: Error) => {
    logger.warn({ err: error }, 'A connection to the database was lost')
  }
  pool.on('error', lost)
  pool.on('acquire', (client) => {
    if (guarded.has(client)) return
    guarded.add(client)
    client.on('error', lost)
  })
}
