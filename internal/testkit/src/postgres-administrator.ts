import { Pool, type PoolClient } from 'pg'

// Opening a connection costs a server more than most of what is done on it here.
const pools = new Map<string, Pool>()

/** Does something on a connection to a server's maintenance database that nobody else has meanwhile. */
export async function asAdministrator(
  serverUrl: string,
  act: (client: PoolClient) => Promise<unknown>,
): Promise<void> {
  const client = await poolOf(serverUrl).connect()
  try {
    await act(client)
    client.release()
  } catch (error) {
    // Half-way, it may still hold a lock.
    client.release(true)
    throw error
  }
}

function poolOf(serverUrl: string): Pool {
  const known = pools.get(serverUrl)
  if (known) return known
  const pool = new Pool({ connectionString: serverUrl, allowExitOnIdle: true })
  // A server that ends takes its idle connections with it.
  pool.on('error', () => {})
  pools.set(serverUrl, pool)
  return pool
}

/** A template is of one run alone: that of another may be of another version. */
export function templateName(run: string, name: string): string {
  return `x_events_template_${run}_${name}`
}

/** Drops the templates that a run has left on a server that outlives it. */
export function dropTemplates(serverUrl: string, run: string): Promise<void> {
  return asAdministrator(serverUrl, async (client) => {
    const { rows } = await client.query('select datname from pg_database where starts_with(datname, $1)', [
      templateName(run, ''),
    ])
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`)
  })
}
