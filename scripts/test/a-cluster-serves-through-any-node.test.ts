import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { until } from '../hosting/until.ts'
import { root } from '../setup/paths.mjs'

interface ClusterNode {
  readonly url: string
  readonly pid: number
}

/** `npm run start:cluster` without its set-up, on a free port. */
function startCluster() {
  const child = spawn(process.execPath, ['--conditions=@x/source', 'scripts/start-cluster.ts'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PORT: '0',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => lines.push(line))
  }
  const all = (pattern: RegExp) =>
    lines.flatMap((line) => {
      const found = pattern.exec(line)
      return found ? [found] : []
    })
  return {
    lines,
    all,
    async printed(pattern: RegExp, count = 1, timeoutMs = 60_000) {
      const seen = () => all(pattern).length >= count || child.exitCode !== null
      await until(seen, `${count} times ${pattern}`, timeoutMs).catch((error) => {
        throw new Error(`${error.message}\n${lines.join('\n')}`)
      })
      return all(pattern)
    },
    async end(signal: NodeJS.Signals): Promise<number | null> {
      child.kill(signal)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      return child.exitCode
    },
    async [Symbol.asyncDispose]() {
      await this.end('SIGTERM')
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it('tells every node of a change, sends one webhook for it, and goes on without a node', {
  timeout: 240_000,
}, async () => {
  await using cluster = startCluster()
  const [found] = await cluster.printed(/(http:\S+)\/api\/Sync\/stream/, 1, 60_000)
  const proxyUrl = found?.[1] ?? ''
  const token = cluster.all(/Bearer ([\w-]+)/)[0]?.[1] ?? ''
  const nodes: ClusterNode[] = cluster
    .all(/is process (\d+) at (\S+)/)
    .map(([, pid, url]) => ({ pid: Number(pid), url: url ?? '' }))
  expect(nodes).toHaveLength(3)

  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const rename = (url: string, name: string) =>
    fetch(`${url}/api/Site/1`, { method: 'PUT', headers, body: JSON.stringify({ name }) })
  const nameOn = async (url: string) =>
    ((await (await fetch(`${url}/api/Site/1`)).json()) as { name: string }).name
  const shownOn = (urls: readonly string[], name: string) =>
    until(
      async () => (await Promise.all(urls.map(nameOn))).every((shown) => shown === name),
      `${name} on all`,
    )

  // Each has it in memory; so what they answer next, the event has told them.
  for (const { url } of nodes) expect(await nameOn(url)).toBe('Master')
  for (const [index, { url }] of nodes.entries()) {
    expect((await rename(url, `By node ${index + 1}`)).status).toBe(200)
    await shownOn(
      nodes.map((node) => node.url),
      `By node ${index + 1}`,
    )
  }
  for (const name of ['node 1', 'node 2', 'node 3']) {
    await cluster.printed(new RegExp(`^${name} +\\| stream: Site.Update 1`), 3)
  }
  await cluster.printed(/received \S+ Site.Update/, 3)
  await cluster.printed(/received \S+ Site.Refresh/, 3)

  const [killed, ...others] = nodes
  process.kill(killed?.pid ?? 0, 'SIGKILL')
  await cluster.printed(/node 1 +\| has ended/)
  for (let request = 0; request < 6; request += 1) {
    const answer = await fetch(`${proxyUrl}/api/Site/1`)
    expect([answer.status, answer.headers.get('x-node')]).toEqual([200, expect.stringMatching(/^node [23]$/)])
  }
  expect((await rename(proxyUrl, 'After the crash')).status).toBe(200)
  await shownOn(
    others.map(({ url }) => url),
    'After the crash',
  )
  // The dead node may have held the lease that webhooks are sent under.
  await cluster.printed(/received \S+ Site.Update/, 4, 30_000)

  const received = cluster.all(/received (evt_\S+ \S+)/).map(([, event]) => event)
  expect(received.filter((event) => event?.endsWith('Site.Update'))).toHaveLength(4)
  expect(received).toEqual([...new Set(received)])

  expect(await cluster.end('SIGINT')).toBe(0)
  expect(nodes.map(({ pid }) => isAlive(pid))).toEqual([false, false, false])
})
