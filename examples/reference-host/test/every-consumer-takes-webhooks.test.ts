import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { generateSecret } from '@x/receiver'
import { waitFor } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { openTestHost, upload } from './open-test-host.ts'

// Each consumer is a process of its own.
vi.setConfig({ testTimeout: 240_000 })

const CONSUMERS = ['express', 'fastify', 'hono', 'next', 'lambda', 'standardwebhooks'] as const

/** An example as its README starts it. */
function startConsumer(name: string, secret: string) {
  const main = fileURLToPath(new URL(`../../consumer-${name}/src/main.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@x/source', main], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PORT: '0',
      WEBHOOK_SECRET: secret,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => lines.push(line))
  }
  return {
    name,
    secret,
    lines,
    url: () => waitFor(() => /listens at (http:\S+)/.exec(lines.join('\n'))?.[1], `${name} to listen`),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

it('takes what the sender signs, in every framework, and nothing else', async () => {
  await using opened = new AsyncDisposableStack()
  const host = opened.use(await openTestHost())
  const consumers = CONSUMERS.map((name) => opened.use(startConsumer(name, generateSecret())))
  for (const { url, secret } of consumers) {
    const body = { url: await url(), secret, eventTypes: ['File.*'] }
    expect((await host.send('/portal/api/endpoints', { body })).status).toBe(201)
  }

  await upload(host, 'a.txt', 'content')
  const downloaded = (await host.send('/api/File/download/1')).headers.get('x-event-id')
  for (const { name, lines } of consumers) {
    const isThere = (type: string) => lines.some((line) => line.startsWith('received') && line.includes(type))
    await waitFor(() => isThere('File.Create') && isThere('File.Download'), `${name} to have both`)
    expect(lines.join('\n'), name).toContain(`received ${downloaded} File.Download`)
    expect(lines.join('\n'), name).not.toContain('refused')
  }
  await host.host.services.sender.drain()

  for (const { name, url, lines } of consumers) {
    const forged = await fetch(await url(), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'evt_forged',
        'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
        'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
      },
      body: '{"type":"File.Download","timestamp":"2026-01-01T00:00:00.000Z","data":{}}',
    })
    expect([name, forged.status]).toEqual([name, 401])
    await waitFor(() => lines.some((line) => line.startsWith('refused')), `${name} to refuse`)
  }
})
