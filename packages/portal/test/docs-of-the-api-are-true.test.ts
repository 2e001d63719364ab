import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { temporaryFolder, testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { adapters } from './adapter-servers.ts'
import { openSender } from './open-sender.ts'

it('runs each command of the page about the API', async () => {
  await using opened = await openSender()
  await using consumer = await testConsumer()
  await using folder = await temporaryFolder()
  const { sender } = opened
  const closing = new AbortController()
  await using server = await (adapters['Express'] as (typeof adapters)[string])(
    { sender, signal: closing.signal },
    (authorization) => (authorization === 'Bearer t0ken' ? { tenantId: 1, role: 'manager' } : undefined),
  )
  const page = await readFile(new URL('../../../docs/send/portal-api.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands = '']) => commands)
  expect(blocks.length).toBeGreaterThan(5)
  const script = ['set -eu', ...blocks].join('\n')
  const child = spawn('sh', ['-c', script], {
    cwd: folder.path,
    env: { ...process.env, PORTAL: server.url, TOKEN: 't0ken', CONSUMER: consumer.url },
  })
  let output = ''
  const keep = (text: Buffer) => {
    output += text
  }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', keep)
  const [code] = await once(child, 'close')
  closing.abort()
  expect([code, output]).toEqual([0, expect.stringContaining('unknown_parameter')])
  expect(await sender.endpoints.list({ tenantId: 1 })).toMatchObject([{ description: 'Pages of the site' }])
})
