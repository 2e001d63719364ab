import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { startMain } from './start-main.ts'

const body = JSON.stringify({ name: 'Home' })

function headers(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
}

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

it('makes a token once, keeps it to itself, and finds everything again after a restart', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'admin-token')
  {
    await using host = startMain({ HOST_DATA_DIR: folder.path })
    const url = await host.ready()
    const token = (await readFile(file, 'utf8')).trim()
    expect(host.lines).toContain(`Admin token: ${token}`)
    for (const name of ['admin-token', 'encryption-key']) {
      expect((await stat(join(folder.path, name))).mode & 0o777, name).toBe(0o600)
    }
    const created = await fetch(`${url}/api/Page`, { method: 'POST', headers: headers(token), body })
    expect(created.status).toBe(201)
    expect(await host.end('SIGTERM')).toBe(0)
  }
  await using host = startMain({ HOST_DATA_DIR: folder.path })
  const url = await host.ready()
  expect(host.lines).toContain(`Admin token: ${(await readFile(file, 'utf8')).trim()}`)
  expect(await (await fetch(`${url}/api/Page`)).json()).toMatchObject([{ name: 'Home' }])
  expect(await host.end('SIGINT')).toBe(0)
})

it('takes the token that it is given, in place of the one before, and does not print it', async () => {
  await using folder = await temporaryFolder()
  for (const token of ['the-token-of-before', 'the-token-of-afterwards']) {
    await using host = startMain({ HOST_DATA_DIR: folder.path, ADMIN_TOKEN: token })
    const url = await host.ready()
    expect(host.lines.join()).not.toContain(token)
    expect((await fetch(`${url}/api/User`, { headers: headers(token) })).status).toBe(200)
    if (token !== 'the-token-of-before') {
      expect((await fetch(`${url}/api/User`, { headers: headers('the-token-of-before') })).status).toBe(401)
    }
    expect(await host.end('SIGTERM')).toBe(0)
  }
})

it('says that its port is taken', async () => {
  await using folder = await temporaryFolder()
  await using other = await temporaryFolder()
  await using first = startMain({ HOST_DATA_DIR: folder.path })
  const { port } = new URL(await first.ready())
  await using second = startMain({ HOST_DATA_DIR: other.path, PORT: port })
  expect(await second.end()).toBe(1)
  expect(second.lines).toEqual([
    'The host cannot start.',
    `Port ${port} of 127.0.0.1 is taken; set PORT to another one.`,
  ])
})

it.each([
  ['PORT', 'abc'],
  ['MAX_UPLOAD_BYTES', '-1'],
  ['ADMIN_TOKEN', 'with spaces in it, and long'],
  ['ADMIN_TOKEN', 'fifteen-letters'],
  ['METRICS_TOKEN', 'see'],
  ['METRICS_OPEN', 'yes'],
  ['LOG_LEVEL', 'loud'],
  ['DATABASE_URL', 'mysql://localhost/db'],
  ['WEBHOOK_ALLOW_NETWORKS', '127.0.0.0/8,nonsense'],
])('names %s when it is %j', async (name, value) => {
  await using folder = await temporaryFolder()
  await using host = startMain({ HOST_DATA_DIR: folder.path, [name]: value })
  expect(await host.end()).toBe(1)
  expect(host.lines[0]).toBe('The host cannot start.')
  expect(host.lines.join('\n')).toContain(name === 'WEBHOOK_ALLOW_NETWORKS' ? 'nonsense' : name)
})
