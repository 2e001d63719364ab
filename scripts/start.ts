// Starts the reference host and the example consumer, and says what to open and try.
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { buildPortalPages } from './build-portal-pages.ts'
import { type ExampleProcess, startExample, stopExample } from './hosting/example-process.ts'
import { createHostApi } from './hosting/host-api.ts'
import { keptSecret } from './hosting/kept-secret.ts'
import { whatToTry } from './hosting/what-to-try.ts'
import { root } from './setup/paths.mjs'

const { PORT = '4000', CONSUMER_PORT = '4100', HOST_DATA_DIR = join(root, 'data') } = process.env
const examples: ExampleProcess[] = []
let isStopping = false

async function stop(code: number): Promise<never> {
  await Promise.all(examples.map((example) => stopExample(example)))
  process.exit(code)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, async () => {
    // The second time, somebody does not want to wait: leaving ends the examples by force.
    if (isStopping) process.exit(1)
    isStopping = true
    // A terminal sends Ctrl-C to all three processes: a further signal would read as the second one.
    if (signal === 'SIGINT' && process.stdin.isTTY) {
      await Promise.all(examples.map(({ ended }) => ended))
      process.exit(0)
    }
    await stop(0)
  })
}

function start(name: string, folder: string, env: Record<string, string>): ExampleProcess {
  const onLine = (line: string) => console.log(`${name.padEnd(8)} | ${line}`)
  const example = startExample({ name, folder, env, onLine })
  examples.push(example)
  void example.ended.then(() => {
    if (isStopping) return
    isStopping = true
    console.error(`The ${name} has ended by itself; see its last lines above.`)
    void stop(1)
  })
  return example
}

async function refuseTakenPort(variable: string, port: string): Promise<void> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Error(`${variable} is no port: ${port}`)
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => {
      reject(new Error(`Port ${port} cannot be listened on; is it taken? Set ${variable} to another one.`))
    })
    server.listen(Number(port), '127.0.0.1', () => server.close(() => resolve()))
  })
}

try {
  await refuseTakenPort('PORT', PORT)
  await refuseTakenPort('CONSUMER_PORT', CONSUMER_PORT)
  await buildPortalPages()
  await mkdir(HOST_DATA_DIR, { recursive: true, mode: 0o700 })
  const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`
  const secret = await keptSecret(join(HOST_DATA_DIR, 'consumer-secret'), newSecret)

  const consumer = start('consumer', 'consumer-express', { PORT: CONSUMER_PORT, WEBHOOK_SECRET: secret })
  const host = start('host', 'reference-host', {
    PORT,
    HOST_DATA_DIR,
    // Some shells set it to the machine's name, which is not what is meant here.
    HOST: '127.0.0.1',
    WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
  })
  const [consumerUrl] = await consumer.printed(/http:\S+/)
  const [, hostUrl = ''] = await host.printed(/ready at (http:\S+)/)
  // The host prints the token that it has made for itself, and none that it was given.
  const token = process.env['ADMIN_TOKEN'] || (await host.printed(/Admin token: (\S+)/))[1] || ''

  const api = createHostApi(hostUrl, token)
  const registered = await api.endpoints()
  if (!registered.some(({ url }) => url === consumerUrl)) await api.addEndpoint(consumerUrl, secret)
  console.log(whatToTry(hostUrl, token))
} catch (error) {
  if (!isStopping) {
    isStopping = true
    console.error(error instanceof Error ? error.message : error)
    await stop(1)
  }
}
