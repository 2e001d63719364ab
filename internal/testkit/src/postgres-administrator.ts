import { Client } from 'pg'

/** Does something on a connection of its own to a server's maintenance database. */
export async function asAdministrator(
  serverUrl: string,
  act: (client: Client) => Promise<unknown>,
): Promise<void> {
  const client = new Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await act(client)
  } finally {
    await client.end()
  }
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
