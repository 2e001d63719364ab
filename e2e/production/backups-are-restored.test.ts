import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { type PostgresDatabase, postgresDatabase } from '@x/testkit/postgres'
import { startPostgresServer } from '@x/testkit/postgres-server'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { logged, openHost } from './host.ts'

const idsOf = (requests: readonly { readonly rawBody: Buffer }[]) =>
  new Set(requests.map(({ rawBody }) => JSON.parse(rawBody.toString()).data.entityId as number))

it('restores a backup of SQLite that was taken while the host worked', async () => {
  await using folder = await temporaryFolder()
  const copy = join(folder.path, 'backup.db')
  await using consumer = await testConsumer()
  consumer.answer(503)
  let raisedBefore = 0
  {
    await using host = await openHost(join(folder.path, 'host.db'))
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    let isCopied = false
    const backedUp = (async () => {
      await waitFor(() => raisedBefore >= 50, 'some events')
      const before = raisedBefore
      await host.database?.backup(copy)
      isCopied = true
      return before
    })()
    for (let id = 1; !isCopied; id++) {
      await host.raise(id)
      raisedBefore = id
      await setTimeout(1)
    }
    raisedBefore = await backedUp
  }

  const database = new Database(copy)
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
  database.close()
  consumer.answer(204)
  await using restored = await openHost(copy)
  await restored.raise(1_000_000)
  const sent = await waitFor(() => {
    const ids = idsOf(consumer.requests)
    return ids.has(1_000_000) && ids
  }, 'what is new')
  await waitFor(() => {
    const ids = idsOf(consumer.requests)
    for (let id = 1; id <= raisedBefore; id++) if (!ids.has(id)) return false
    return true
  }, 'what was pending in the backup')
  expect(sent.size).toBeGreaterThan(0)
  expect(restored.handled.at(-1)?.entityId).toBe(1_000_000)
})

it('restores a dump of PostgreSQL into another cluster', async ({ skip }) => {
  const tools = findTools()
  if (typeof tools === 'string') {
    process.stderr.write(`\n*** Backups of PostgreSQL were NOT TESTED: ${tools}. ***\n\n`)
    return skip(tools)
  }
  await using folder = await temporaryFolder()
  const dump = join(folder.path, 'host.dump')
  await using consumer = await testConsumer()
  consumer.answer(503)
  await using oldServer = await startPostgresServer({ programs: tools.programs, survivesPowerCuts: false })
  await using oldDatabase = await postgresDatabase<object>(oldServer.url)
  await countOn(oldDatabase)
  {
    await using host = await openHost(oldDatabase.url)
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    for (let id = 1; id <= 20; id++) await host.raise(id)
    await consumer.received(1)
    await waitFor(() => host.handled.length >= 10, 'some events to be handled')
    await finish(spawn(tools.dump, ['--format=custom', `--file=${dump}`, oldDatabase.url]))
  }

  await using newServer = await startPostgresServer({ programs: tools.programs, survivesPowerCuts: false })
  await using newDatabase = await postgresDatabase<object>(newServer.url)
  await finish(spawn(tools.restore, ['--exit-on-error', '--no-owner', `--dbname=${newDatabase.url}`, dump]))
  consumer.answer(204)
  await using restored = await openHost(newDatabase.url)
  await restored.raise(1_000)
  await waitFor(() => idsOf(consumer.requests).size === 21, 'all webhooks')
  await waitFor(() => restored.handled.at(-1)?.entityId === 1_000, 'the new event to be handled')
  expect(logged).toContain('The event log was restored from a dump; some events may be handled again')
})

/** A cluster that has been at work for longer than the one that the dump goes to. */
async function countOn({ pool }: PostgresDatabase<object>): Promise<void> {
  await pool.query(`create procedure count_on() language plpgsql as
    $$ begin for i in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$`)
  await pool.query('call count_on()')
}

interface Tools {
  readonly dump: string
  readonly restore: string
  /** The folder of a server's programs that are not newer than those of the dump; undefined: the test run's own. */
  readonly programs: string | undefined
}

const TESTED_WITH = 18

function findTools(): Tools | string {
  const version = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  const major = Number(/\) (\d+)/.exec(version)?.[1])
  if (!major || spawnSync('pg_restore', ['--version']).status !== 0) return 'there is no pg_dump'
  const tools = { dump: 'pg_dump', restore: 'pg_restore' }
  if (major >= TESTED_WITH) return { ...tools, programs: undefined }
  const programs = `/usr/lib/postgresql/${major}/bin`
  if (existsSync(join(programs, 'initdb'))) return { ...tools, programs }
  return `pg_dump ${major} cannot dump PostgreSQL ${TESTED_WITH}, and there is no server of its version`
}

async function finish(child: ChildProcess): Promise<void> {
  let output = ''
  child.stderr?.on('data', (chunk) => (output += chunk))
  const [code] = await once(child, 'close')
  expect(code, output).toBe(0)
}
