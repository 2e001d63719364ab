import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { dropTemplates } from './postgres-administrator.ts'
import { type PostgresServer, startPostgresServer } from './postgres-server.ts'

const SHARED = Symbol.for('x-events.test-postgres')

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database in which tests may create databases of their own. */
    postgresUrl: string
    /** Tells the databases of this run from those of others on the same server. */
    postgresRun: string
  }
}

/** The server of a run, and how many of its projects use it. */
interface SharedServer {
  readonly server: Promise<PostgresServer>
  users: number
}

// Each project loads this file for itself.
const shared = globalThis as { [SHARED]?: SharedServer | undefined }

/** For vitest's `globalSetup`: one server for the tests of all projects, or the one that `TEST_POSTGRES_URL` names. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = randomBytes(4).toString('hex')
  project.provide('postgresRun', run)
  const given = process.env['TEST_POSTGRES_URL']
  if (given) {
    project.provide('postgresUrl', given)
    return () => dropTemplates(given, run)
  }
  // Each test has a database of its own, and waiting for disks would be most of its making.
  shared[SHARED] ??= { server: startPostgresServer({ survivesPowerCuts: false }), users: 0 }
  const used = shared[SHARED]
  used.users += 1
  const server = await used.server
  project.provide('postgresUrl', server.url)
  return async () => {
    used.users -= 1
    if (used.users > 0) return
    shared[SHARED] = undefined
    await server[Symbol.asyncDispose]()
  }
}
