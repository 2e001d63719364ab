import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { count, type Suite, table } from '../suite.ts'
import { openSendingHost, raiseAndDeliver } from './sending-host.ts'
import { startSink } from './sink.ts'

const EVENTS = Number(process.env['BENCH_SIZING_EVENTS'] ?? 50_000)
// PostgreSQL would compress a repeated letter.
const textOf = (length: number) => randomBytes(length).toString('base64').slice(0, length)
const PAYLOADS = [
  { name: '85 bytes of data', text: textOf(74) },
  { name: '1 KB of data', text: textOf(1_013) },
]

/** Bytes of each table with its indexes, by its name behind the prefix. */
async function sizes({ db, pool }: BenchDatabase, prefix: string): Promise<Map<string, number>> {
  const query = pool
    ? sql<{ name: string; bytes: number }>`
        select relname as name, pg_total_relation_size(oid)::float8 as bytes from pg_class
        where relkind = 'r' and starts_with(relname, ${prefix})`
    : sql<{ name: string; bytes: number }>`
        select s.tbl_name as name, sum(d.pgsize) as bytes from dbstat('main', 1) d join sqlite_schema s on s.name = d.name
        where substr(s.tbl_name, 1, ${prefix.length}) = ${prefix} group by s.tbl_name`
  const { rows } = await query.execute(db)
  return new Map(rows.map(({ name, bytes }) => [name.slice(prefix.length), Number(bytes)]))
}

async function measure(database: BenchDatabase, origins: readonly string[], prefix: string, text: string) {
  const host = await openSendingHost(database, prefix, origins)
  const empty = await sizes(database, prefix)
  const before = process.cpuUsage()
  await raiseAndDeliver(host, { tenants: 1, events: EVENTS, text })
  const { user, system } = process.cpuUsage(before)
  await host[Symbol.asyncDispose]()
  const full = await sizes(database, prefix)
  const perEvent = [...full]
    .map(([name, bytes]) => ({ name, bytes: (bytes - (empty.get(name) ?? 0)) / EVENTS }))
    .filter(({ bytes }) => bytes >= 1)
    .sort((one, other) => other.bytes - one.bytes)
  const total = perEvent.reduce((sum, { bytes }) => sum + bytes, 0)
  const parts = perEvent.map(({ name, bytes }) => `${name} ${count(bytes)}`).join(', ')
  return [count(total), parts, count((user + system) / EVENTS)]
}

/** What an event costs that is delivered at once: what is kept of it on the disk, and the host's CPU. */
export const benchSizing: Suite = {
  name: 'sizing',
  title: `bytes kept and CPU of an event that one endpoint gets at once, over ${count(EVENTS)} events`,
  async run() {
    await using open = new AsyncDisposableStack()
    const sink = open.use(await startSink(1))
    const rows: string[][] = []
    for (const [index, payload] of PAYLOADS.entries()) {
      for (const database of [open.use(await sqliteFile('FULL')), open.use(await postgres())]) {
        const measured = await measure(database, sink.origins, `size${index}_`, payload.text)
        rows.push([database.name, payload.name, ...measured])
      }
    }
    return table(['database', 'event', 'bytes an event', 'of which', 'CPU seconds per million events'], rows)
  },
}
