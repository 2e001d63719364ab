import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createReceiver } from '@x/receiver'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { startHost } from '../open-host.ts'
import { pullEndpoint, raise, serveEvents } from './serve-events.ts'

const receiver = dirname(createRequire(import.meta.url).resolve('@x/receiver/package.json'))

/** `x-receiver` in a process of its own. */
function startShell(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--conditions=@x/source', join(receiver, 'src/bin.ts'), ...args], {
    env: { ...process.env, WEBHOOK_SECRET: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const closed = once(child, 'close')
  return {
    /** What it has printed in whole lines. */
    lines: () => output.split('\n').slice(0, -1),
    async end(signal?: NodeJS.Signals) {
      if (signal) child.kill(signal)
      await closed
      return { code: child.exitCode, errors }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

it('loses no message, however often it is killed while it reads', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  await using folder = await temporaryFolder()
  const { endpoint, secret, key } = await pullEndpoint(host)
  const args = ['pull', '--url', server.url, '--endpoint', endpoint.id, '--state', join(folder.path, 'place')]
  const env = { WEBHOOK_KEY: key, WEBHOOK_SECRET: secret }
  const seen = new Set<number>()
  const take = (lines: readonly string[]) => {
    for (const line of lines)
      seen.add((JSON.parse(JSON.parse(line).body) as { data: { entityId: number } }).data.entityId)
  }
  let last = 0
  const raiseMore = () => raise(host, ...Array.from({ length: 20 }, () => ++last))
  for (let round = 0; round < 2; round++) {
    await using shell = startShell([...args, '--follow'], env)
    await raiseMore()
    await waitFor(() => shell.lines().length > 0, 'a message')
    await raiseMore()
    await shell.end('SIGKILL')
    take(shell.lines())
  }
  await using shell = startShell(args, env)
  expect(await shell.end()).toEqual({ code: 0, errors: '' })
  take(shell.lines())
  expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, index) => index + 1))
})

it('relays messages to a server that has no public address', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  await using consumer = await testConsumer()
  const { endpoint, secret, key } = await pullEndpoint(host)
  const args = ['listen', '--url', server.url, '--endpoint', endpoint.id, '--forward-to', consumer.url]
  await using shell = startShell([...args, '--after', '0'], { WEBHOOK_KEY: key })
  await waitFor(() => server.waiting() === 1, 'the request')
  await raise(host, 1, 2)
  const received = await consumer.received(2)
  const { verify } = createReceiver({ secrets: secret })
  const ids = []
  for (const { rawBody, headers } of received) {
    const event = await verify(rawBody, headers as never)
    ids.push([headers['webhook-sequence'], (event.data as { entityId: number }).entityId])
  }
  expect(ids).toEqual([
    ['1', 1],
    ['2', 2],
  ])
  expect(await shell.end('SIGINT')).toEqual({ code: 0, errors: '' })
})
