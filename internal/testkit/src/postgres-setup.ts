import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { dropTemplates } from './postgres-administrator.ts'
import { startPostgresServer } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database in which tests may create databases of their own. */
    postgresUrl: string
    /** Tells the databases of this run from those of others on the same server. */
    postgresRun: string
  }
}

/** For vitest's `globalSetup`: one server for all tests, or the one that `TEST_POSTGRES_URL` names. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = randomBytes(4).toString('hex')
  project.provide('postgresRun', run)
  const given = process.env['TEST_POSTGRES_URL']
  if (given) {
    project.provide('postgresUrl', given)
    return () => dropTemplates(given, run)
  }
  // Each test has a database of its own, and waiting for disks would be most of its making.
  const server = await startPostgresServer({ survivesPowerCuts: false })
  project.provide('postgresUrl', server.url)
  return async () => server[Symbol.asyncDispose]()
}
