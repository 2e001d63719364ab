import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { count, percentile, type Suite, table } from '../suite.ts'
import type { HostCommand, HostReport } from './host.ts'

const CLIENTS = 1_000
const PER_SECOND = 200
const SECONDS = 20
const CONNECTING_AT_A_TIME = 50

/** How many clients hear of each event: all of them, or those of one tenant of many. */
const SPREADS = [
  { tenants: 20, what: 'each event to 50 clients' },
  { tenants: 1, what: 'each event to all 1,000' },
]

interface LoadHost {
  readonly process: ChildProcess
  readonly port: number
  send(command: HostCommand): void
  ask<TAnswer>(command: HostCommand): Promise<TAnswer>
}

async function startHost(database: string): Promise<LoadHost> {
  const file = fileURLToPath(new URL('./host.ts', import.meta.url))
  const child = fork(file, [database], { execArgv: ['--conditions=@x/source', '--expose-gc'] })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    process: child,
    port,
    send: (command) => void child.send(command),
    async ask(command) {
      child.send(command)
      const [answer] = await once(child, 'message')
      return answer
    },
  }
}

/** Reads a stream as bytes, and notes how old each event is: less work than any real client has. */
async function openClient(port: number, tenant: number, delays: number[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`GET /?tenant=${tenant} HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n`)
  let rest = ''
  await new Promise<void>((resolve) => {
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const now = performance.timeOrigin + performance.now()
      const text = rest + chunk
      const end = text.lastIndexOf('\n') + 1
      rest = text.slice(end)
      const lines = text.slice(0, end)
      for (const [, raisedAt] of lines.matchAll(/"raisedAt":([\d.]+)/g)) delays.push(now - Number(raisedAt))
      if (lines.includes('event: synced')) resolve()
    })
  })
  return socket
}

async function measure(database: string, tenants: number, what: string): Promise<string[]> {
  const host = await startHost(database)
  const delays: number[] = []
  const sockets: Socket[] = []
  const before = await host.ask<HostReport>({ type: 'report' })
  for (let from = 0; from < CLIENTS; from += CONNECTING_AT_A_TIME) {
    const opening = Array.from({ length: CONNECTING_AT_A_TIME }, (_, index) =>
      openClient(host.port, 1 + ((from + index) % tenants), delays),
    )
    sockets.push(...(await Promise.all(opening)))
  }
  const opened = await host.ask<HostReport>({ type: 'report' })
  if (opened.open !== CLIENTS) throw new Error(`${opened.open} of ${CLIENTS} streams are open`)
  const begin = performance.now()
  await host.ask({ type: 'raise', count: PER_SECOND * SECONDS, perSecond: PER_SECOND, tenants })
  const expected = (PER_SECOND * SECONDS * CLIENTS) / tenants
  const deadline = performance.now() + 300_000
  while (delays.length < expected && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const seconds = (performance.now() - begin) / 1_000
  const after = await host.ask<HostReport>({ type: 'report' })
  for (const socket of sockets) socket.destroy()
  host.send({ type: 'stop' })
  await once(host.process, 'exit')
  if (delays.length !== expected) throw new Error(`${delays.length} of ${expected} events were received`)
  const mb = (value: number) => `${Math.round(value)} MB`
  return [
    database,
    what,
    count(delays.length / seconds),
    quantiles(after.commitMs),
    quantiles(delays),
    `${mb(before.rssMb)}, ${mb(opened.rssMb)}, ${mb(after.rssMb)}`,
    `${Math.round((after.cpuMs - opened.cpuMs) / seconds / 10)} %`,
  ]
}

const quantiles = (values: readonly number[]) =>
  `${percentile(values, 50).toFixed(1)} ms, ${percentile(values, 99).toFixed(1)} ms`

/** How soon the clients of a host hear of what happens, and what they cost it. */
export const benchStreams: Suite = {
  name: 'live-streams',
  title: `${count(CLIENTS)} streams on one host while ${PER_SECOND} events/s are raised for ${SECONDS} s`,
  async run() {
    const rows = []
    for (const database of ['SQLite', 'PostgreSQL']) {
      for (const { tenants, what } of SPREADS) rows.push(await measure(database, tenants, what))
    }
    const memory = 'memory of the host: no client, 1,000 clients, after the load'
    return table(
      [
        'database',
        'who hears',
        'received/s',
        'committed after (p50, p99)',
        'received after (p50, p99)',
        memory,
        'CPU (of one core)',
      ],
      rows,
    )
  },
}
