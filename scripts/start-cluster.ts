// Three hosts on one PostgreSQL, a proxy before them and a consumer of their webhooks; ends with Ctrl-C,
// and leaves nothing behind.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgresServer } from '@x/testkit/postgres-server'
import { followStream } from './cluster/follow-stream.ts'
import { startProxy } from './cluster/round-robin-proxy.ts'
import { whatToTryWithCluster } from './cluster/what-to-try.ts'
import { type ExampleProcess, startExample, stopExample } from './hosting/example-process.ts'
import { createHostApi } from './hosting/host-api.ts'

const NODES = ['node 1', 'node 2', 'node 3']
const { PORT = '4000' } = process.env

const opened = new AsyncDisposableStack()
const streams = new AbortController()
let isStopping = false

function print(name: string, line: string): void {
  if (!isStopping || name !== 'proxy') console.log(`${name.padEnd(8)} | ${line}`)
}

async function stop(code: number): Promise<never> {
  isStopping = true
  streams.abort()
  await opened.disposeAsync()
  process.exit(code)
}

// What is started here is in process groups of its own, so that Ctrl-C reaches this process alone, which
// ends hosts before their database.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second time, somebody does not want to wait: leaving ends everything by force.
    if (isStopping) process.exit(1)
    void stop(0)
  })
}

function start(name: string, folder: string, env: Record<string, string>): ExampleProcess {
  const example = startExample({ name, folder, env, isDetached: true, onLine: (line) => print(name, line) })
  opened.defer(() => stopExample(example))
  void example.ended.then(() => {
    if (!isStopping) print(name, 'has ended; the others go on.')
  })
  return example
}

try {
  console.log('Starting PostgreSQL, three hosts and a consumer ...')
  const dataDir = await mkdtemp(join(tmpdir(), 'x-events-cluster-'))
  opened.defer(() => rm(dataDir, { recursive: true, force: true }))
  const postgres = opened.use(await startPostgresServer({ isDetached: true }))

  const token = randomBytes(24).toString('base64url')
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const consumer = start('consumer', 'consumer-express', { PORT: '0', WEBHOOK_SECRET: secret })
  const hosts = NODES.map((name) =>
    start(name, 'reference-host', {
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: postgres.url,
      HOST_DATA_DIR: dataDir,
      ADMIN_TOKEN: token,
      WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
      TRUSTED_PROXIES: '1',
    }),
  )
  const nodes = await Promise.all(
    hosts.map(async (host) => {
      const [, url = ''] = await host.printed(/ready at (http:\S+)/, 30_000)
      return { name: host.name, url, pid: host.pid }
    }),
  )
  for (const { name, url, pid } of nodes) print(name, `is process ${pid} at ${url}`)
  const [consumerUrl] = await consumer.printed(/http:\S+/)

  const proxy = await startProxy({ port: Number(PORT), nodes, onAnswer: (line) => print('proxy', line) })
  opened.defer(() => proxy.close())
  await createHostApi(proxy.url, token).addEndpoint(consumerUrl, secret)
  for (const { name, url } of nodes) {
    await followStream(`${url}/api/Sync/stream`, (event) => print(name, `stream: ${event}`), streams.signal)
  }
  console.log(whatToTryWithCluster({ proxyUrl: proxy.url, token, nodes }))
} catch (error) {
  if (!isStopping) {
    console.error(error instanceof Error ? error.message : error)
    await stop(1)
  }
}
