import type { Logger } from '@x/events-core'
import type { LentClient } from './lent-client.ts'

const CAUSES =
  'Look for what drops connections between this host and PostgreSQL: a firewall or NAT with an idle time-out, a failover. keepAlive of pg keeps idle ones open.'
const UNREACHED = `${CAUSES} Give the engine the pool of its connections (postgres: { pool }), so that it can close them.`

/** Tells whoever looks after the host that connections were given up. */
export function reportSilence(logger: Logger, silent: readonly LentClient[], waitedMs: number): void {
  const isReached = silent.every(({ client }) => client?.connection?.stream !== undefined)
  const details = {
    component: 'database',
    event: 'silent_connection',
    connections: silent.length,
    waitedMs,
    remedy: isReached ? CAUSES : UNREACHED,
  }
  logger.warn(
    details,
    isReached
      ? 'Connections to the database stopped answering and were closed; work goes on over others'
      : 'Connections to the database stopped answering, and could not be closed; work goes on over others',
  )
}
