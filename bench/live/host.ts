// A host in a process of its own: an engine on a database, and its stream. Raises when it is told to.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import { createSseFeed } from '@x/events-engine/sse'
import { postgres, sqliteFile } from '../databases.ts'

/** What the host answers `report` with. */
export interface HostReport {
  readonly rssMb: number
  /** CPU time that the process has used so far. */
  readonly cpuMs: number
  readonly open: number
  /** How long each transaction took that has raised an event. */
  readonly commitMs: readonly number[]
}

/** What it is told to do. */
export type HostCommand =
  | { readonly type: 'report' }
  | { readonly type: 'raise'; readonly count: number; readonly perSecond: number; readonly tenants: number }
  | { readonly type: 'stop' }

const database = await (process.argv[2] === 'PostgreSQL' ? postgres() : sqliteFile('FULL'))
const pool =
  'pool' in database ? { postgres: { pool: database.pool as NonNullable<typeof database.pool> } } : {}
const engine = createEventEngine({ db: database.db, ...pool })
await engine.migrate()
await engine.start()
const sse = createSseFeed({ engine, limits: { perTenant: 10_000 } })
const server = createServer((request, response) => {
  const tenantId = Number(new URL(request.url ?? '/', 'http://host').searchParams.get('tenant'))
  sse.answer(request, response, { tenantId })
})
server.listen(0, '127.0.0.1', 4_096)
await once(server, 'listening')

const commits: number[] = []

async function raise(count: number, perSecond: number, tenants: number): Promise<void> {
  const begin = performance.now()
  for (let index = 0; index < count; index += 1) {
    const due = begin + (index * 1_000) / perSecond
    const earlyMs = due - performance.now()
    if (earlyMs > 0) await new Promise((resolve) => setTimeout(resolve, earlyMs))
    const site = { tenantId: 1 + (index % tenants), siteId: 7 }
    // Clocks of processes of one machine are one clock.
    const data = { raisedAt: performance.timeOrigin + performance.now(), text: 'x'.repeat(100) }
    const raisedAt = performance.now()
    void engine
      .transaction(({ raise: raiseOne }) => raiseOne(site, 'Page', index, 'Update', { data }))
      .then(() => commits.push(performance.now() - raisedAt))
  }
}

process.on('message', async (command: HostCommand) => {
  if (command.type === 'report') {
    globalThis.gc?.()
    const { user, system } = process.cpuUsage()
    const report: HostReport = {
      rssMb: process.memoryUsage().rss / 2 ** 20,
      cpuMs: (user + system) / 1_000,
      open: sse.stats().open,
      commitMs: commits,
    }
    process.send?.(report)
  } else if (command.type === 'raise') {
    await raise(command.count, command.perSecond, command.tenants)
    process.send?.({ done: true })
  } else {
    await sse.close()
    server.close()
    await engine.stop()
    await database[Symbol.asyncDispose]()
    process.disconnect()
  }
})
process.send?.({ port: (server.address() as AddressInfo).port })
