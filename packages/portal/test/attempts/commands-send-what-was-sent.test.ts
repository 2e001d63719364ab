import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { temporaryFolder } from '@x/testkit'
import { expect, it } from 'vitest'
import {
  curlCommand,
  receiverTest,
  type SentRequest,
  sendAgainCommand,
  verifyCommand,
} from '../../src/ui/request-commands.ts'

const run = promisify(execFile)
const key = Buffer.alloc(32, 'k')
const SECONDS = 1_700_000_000
const LONG = 1_000_000

function signedHeaders(id: string, body: string): Record<string, string> {
  const signature = createHmac('sha256', key).update(`${id}.${SECONDS}.${body}`).digest('base64')
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(SECONDS),
    'webhook-signature': `v1,${signature}`,
  }
}

const requestWith = (body: string): SentRequest => ({
  url: "https://consumer.example/it's/$HOME/[1-3]/{a,b}?x=`id`&y=%20!!",
  headers: { ...signedHeaders('evt_1', body), 'x-own': `a'b"c $(id) \\`, 'x-empty': '' },
  body,
})

/** A shell in which curl and npx only write down what they are given. */
async function fakeShell() {
  const folder = await temporaryFolder()
  const script = `#!/bin/sh
printf '%s\\0' "$@" > arguments
case "$*" in *@-*) cat > stdin ;; esac
`
  for (const name of ['curl', 'npx']) {
    await writeFile(join(folder.path, name), script)
    await chmod(join(folder.path, name), 0o755)
  }
  const read = async (name: string) => await readFile(join(folder.path, name), 'utf8')
  return {
    folder,
    read,
    async sh(command: string): Promise<string[]> {
      const env = { PATH: `${folder.path}:${process.env['PATH']}`, HOME: '/home' }
      // From a file: the command of a long body is longer than an argument may be.
      await writeFile(join(folder.path, 'command'), command)
      await run('sh', ['command'], { cwd: folder.path, env })
      return (await read('arguments')).split('\0').slice(0, -1)
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

const BODIES = [
  '{"type":"File.Update","data":{"text":"it\'s \\"quoted\\" \\\\ $HOME `id` ü 😀 \u2028 %s !!"}}',
  '@/etc/passwd\nsecond line\n',
  '',
]

it.each(BODIES)('gives curl and x-receiver each byte of a request: %j', async (body) => {
  await using shell = await fakeShell()
  const request = requestWith(body)
  const { url, headers } = request
  expect(await shell.sh(curlCommand(request))).toEqual([
    '--globoff',
    url,
    ...Object.entries(headers).flatMap(([name, value]) => [
      '--header',
      value === '' ? `${name};` : `${name}: ${value}`,
    ]),
    '--data-raw',
    body,
  ])
  const verify = ['x-receiver', 'verify', '--headers', 'headers.txt', '--body', 'body.bin']
  expect(await shell.sh(verifyCommand(request))).toEqual(verify)
  expect(await shell.read('headers.txt')).toBe(
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  )
  expect(await shell.read('body.bin')).toBe(body)
  const send = ['x-receiver', 'send', url, '--id', 'evt_1', '--body', 'body.bin']
  expect(await shell.sh(sendAgainCommand(request))).toEqual(send)
})

it('pipes a body that is longer than an argument may be', async () => {
  await using shell = await fakeShell()
  const body = "it's ".repeat(LONG / 5)
  expect((await shell.sh(curlCommand(requestWith(body)))).slice(-2)).toEqual(['--data-binary', '@-'])
  expect(await shell.read('stdin')).toBe(body)
})

it('writes a test that passes with the secret of the endpoint, and fails with another', async () => {
  await using folder = await temporaryFolder()
  const scope = join(folder.path, 'node_modules', '@x')
  await mkdir(scope, { recursive: true })
  await symlink(join(import.meta.dirname, '../../../receiver'), join(scope, 'receiver'))
  const body = JSON.stringify({
    type: 'File.Update',
    timestamp: '2026-01-01T00:00:00.000Z',
    data: { text: `it's "quoted" \\ \n \u2028 \${x} ü 😀` },
  })
  const headers = signedHeaders("evt_it's", body)
  const file = join(folder.path, 'receiver.test.ts')
  await writeFile(file, receiverTest({ url: 'https://consumer.example/hook', headers, body }))
  const test = (secret: Buffer) =>
    run(process.execPath, ['--conditions=@x/source', '--test', file], {
      env: { PATH: process.env['PATH'], WEBHOOK_SECRET: `whsec_${secret.toString('base64')}` },
    })
  expect((await test(key)).stdout).toContain('pass 1')
  await expect(test(Buffer.alloc(32, 'o'))).rejects.toMatchObject({
    stdout: expect.stringContaining('401 !== 204'),
  })
})
