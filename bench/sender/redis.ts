import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** A Redis to measure BullMQ with. */
export interface BenchRedis extends AsyncDisposable {
  readonly host: string
  readonly port: number
}

/** The one that `TEST_REDIS_URL` names, or one of the benchmark's own, which keeps nothing; undefined where there is none. */
export async function startRedis(): Promise<BenchRedis | undefined> {
  const given = process.env['TEST_REDIS_URL']
  if (given) {
    const { hostname, port } = new URL(given)
    return { host: hostname, port: Number(port || 6_379), [Symbol.asyncDispose]: async () => {} }
  }
  const binary = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => ['redis-server', 'valkey-server'].map((name) => join(folder, name)))
    .find(existsSync)
  if (!binary) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'x-events-bench-redis-'))
  const port = await freePort()
  const settings = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ]
  const child = spawn(binary, settings, { stdio: ['ignore', 'pipe', 'ignore'] })
  const endWithProcess = () => child.kill()
  process.once('exit', endWithProcess)
  await new Promise<void>((resolve, reject) => {
    let output = ''
    child.once('error', reject).once('exit', () => reject(new Error(`${binary} has ended:\n${output}`)))
    child.stdout.on('data', (chunk) => {
      output += chunk
      if (output.includes('Ready to accept connections')) resolve()
    })
  })
  return {
    host: '127.0.0.1',
    port,
    async [Symbol.asyncDispose]() {
      process.off('exit', endWithProcess)
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
