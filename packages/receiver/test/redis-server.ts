import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { temporaryFolder, waitFor } from '@x/testkit'
import { Redis } from 'ioredis'

/** A real Redis for tests. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string
}

function findBinary(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => ['redis-server', 'valkey-server'].map((name) => join(folder, name)))
    .find(existsSync)
}

/** Whether there is one to be had on this machine: none comes with npm. */
export const isRedisAvailable = process.env['TEST_REDIS_URL'] !== undefined || findBinary() !== undefined

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** The server that `TEST_REDIS_URL` names, or one of the test's own, which keeps nothing. */
export async function redisServer(): Promise<RedisServer> {
  const given = process.env['TEST_REDIS_URL']
  if (given) return { url: given, [Symbol.asyncDispose]: async () => {} }
  const binary = findBinary()
  if (!binary) throw new Error('There is no redis-server and no valkey-server on the PATH')
  const folder = await temporaryFolder()
  const port = await freePort()
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(binary, [...args, '--dir', folder.path], { stdio: 'ignore' })
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => {}) // not there yet
  await waitFor(async () => (await client.ping()) === 'PONG', 'Redis')
  client.disconnect()
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null) await once(child, 'exit')
      await folder[Symbol.asyncDispose]()
    },
  }
}
