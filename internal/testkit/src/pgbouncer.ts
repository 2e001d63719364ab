import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { describe, it } from 'vitest'

/** How long a client keeps a connection of the server. */
export type PoolMode = 'session' | 'transaction' | 'statement'

/** A PgBouncer on loopback, before the server that a URL names. */
export interface PgBouncer extends AsyncDisposable {
  readonly url: string
}

/** Starts a PgBouncer. */
export type StartPgBouncer = (serverUrl: string, mode: PoolMode) => Promise<PgBouncer>

const WHY = 'PgBouncer was NOT TESTED: it is not installed here (see CONTRIBUTING.md)'
// It refuses to run as root; every Linux has this one.
const NOBODY = 65_534

function findPgBouncer(): string | undefined {
  const folders = ['/usr/sbin', '/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path))
}

/**
 * Describes tests that need a PgBouncer. Without one they are skipped, aloud; where it has to be there
 * (`REQUIRE_PGBOUNCER=true`, as in CI) they fail.
 */
export function pgbouncerTests(title: string, tests: (start: StartPgBouncer) => void): void {
  const path = findPgBouncer()
  if (path !== undefined) {
    describe(title, () => tests((serverUrl, mode) => startPgBouncer(path, serverUrl, mode)))
    return
  }
  process.stderr.write(`\n*** ${title}: ${WHY}. ***\n\n`)
  if (process.env['REQUIRE_PGBOUNCER'] === 'true') it(title, () => Promise.reject(new Error(WHY)))
  describe.skip(`${title} (${WHY})`, () => tests(() => Promise.reject(new Error(WHY))))
}

async function startPgBouncer(path: string, serverUrl: string, mode: PoolMode): Promise<PgBouncer> {
  const server = new URL(serverUrl)
  const folder = await mkdtemp(join(tmpdir(), 'x-events-pgbouncer-'))
  await chmod(folder, 0o755)
  const port = await findFreePort()
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: mode,
    default_pool_size: 4,
    max_client_conn: 200,
  }
  const password = server.password === '' ? '' : ` password=${decodeURIComponent(server.password)}`
  const lines = [
    '[databases]',
    `* = host=${server.hostname} port=${server.port || 5432} user=${decodeURIComponent(server.username)}${password}`,
    '[pgbouncer]',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
  ]
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o644 })
  const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn(path, [file], { ...account, cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] })
  // A test run that dies must not leave it behind.
  const endWithProcess = () => child.kill('SIGKILL')
  process.once('exit', endWithProcess)
  await isUp(child)

  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      process.off('exit', endWithProcess)
      const exited = new Promise((resolve) => child.once('exit', resolve))
      if (child.kill('SIGKILL')) await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function isUp(child: ChildProcess): Promise<void> {
  let output = ''
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`pgbouncer ended with ${code}:\n${output}`)))
    child.stderr?.on('data', (chunk) => {
      output = (output + chunk).slice(-10_000)
      if (output.includes('process up')) resolve()
    })
  })
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No free port was found')
  return address.port
}
