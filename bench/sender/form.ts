import { readdir, readFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { type BenchDatabase, sqliteFile } from '../databases.ts'
import { median, type Suite, table } from '../suite.ts'
import { openSendingHost, raiseAndDeliver } from './sending-host.ts'
import { startSink } from './sink.ts'

const DELIVERIES = 7
const PREFIX = 'form_'
const PACKAGES = ['events-core', 'events-engine', 'signature', 'sender'] as const
const SOURCE = /\/packages\/([^/]+)\/src\/(.+)$/

/** Where functions are called, by V8's precise coverage, and how often since the last look. */
async function openCoverage() {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  return {
    /** The files of our packages whose functions were called since the last call of this. */
    async take(): Promise<Set<string>> {
      const { result } = await session.post('Profiler.takePreciseCoverage')
      const called = result.filter(({ functions }) =>
        functions.some(({ ranges }) => ranges.some(({ count }) => count > 0)),
      )
      const names = called.map(({ url }) => SOURCE.exec(url)).filter((match) => match !== null)
      return new Set(names.map(([, folder, file]) => `${folder}/${file}`))
    },
    [Symbol.dispose]: () => session.disconnect(),
  }
}

/** Waits by a query of its own: the sender's functions would be counted. */
async function recorded({ db }: BenchDatabase, deliveries: number): Promise<void> {
  const query = sql<{ count: number }>`select count(*) as count from ${sql.table(`${PREFIX}webhook_delivery`)}
    where state = 'succeeded'`
  for (;;) {
    const { rows } = await query.execute(db)
    if (Number(rows[0]?.count) >= deliveries) return
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function sizeOf(folder: string): Promise<{ files: number; lines: number }> {
  const source = fileURLToPath(new URL(`../../packages/${folder}/src/`, import.meta.url))
  const entries = await readdir(source, { recursive: true })
  const files = entries.filter((name) => name.endsWith('.ts'))
  const texts = await Promise.all(files.map((name) => readFile(`${source}${name}`, 'utf8')))
  return { files: files.length, lines: texts.reduce((sum, text) => sum + text.split('\n').length - 1, 0) }
}

/** How many files a reader has to open to follow one delivery. */
export const benchForm: Suite = {
  name: 'form',
  title: `files whose functions run for one delivery, from its raise to its record, on SQLite (${DELIVERIES} times)`,
  async run() {
    await using open = new AsyncDisposableStack()
    const sink = open.use(await startSink(1))
    const database = open.use(await sqliteFile('FULL'))
    const host = open.use(await openSendingHost(database, PREFIX, sink.origins))
    const coverage = open.use(await openCoverage())
    await sink.begin()
    // The first delivery opens connections and fills caches.
    await raiseAndDeliver(host, { tenants: 1, events: 1, text: '' })
    const rounds: Set<string>[] = []
    for (let round = 0; round < DELIVERIES; round++) {
      await coverage.take()
      await host.engine.transaction(({ raise }) => raise({ tenantId: 1, siteId: 7 }, 'Page', round, 'Update'))
      await recorded(database, round + 2)
      rounds.push(await coverage.take())
    }
    const sizes = await Promise.all(PACKAGES.map(sizeOf))
    const ofPackage = (files: Iterable<string>, folder: string) =>
      [...files].filter((file) => file.startsWith(`${folder}/`))
    const counts = (folder: string) => rounds.map((round) => ofPackage(round, folder).length)
    const rows = PACKAGES.map((folder, index) => {
      const { files = 0, lines = 0 } = sizes[index] ?? {}
      return [folder, median(counts(folder)), files, lines]
    })
    const all = rounds.map(({ size }) => size)
    const seen = new Set(rounds.flatMap((round) => [...round]))
    const always = [...seen].filter((file) => rounds.every((round) => round.has(file))).sort()
    const sometimes = [...seen].filter((file) => !always.includes(file)).sort()
    return [
      ...table(['package', 'files that run (median)', 'files', 'lines'], rows),
      '',
      `Altogether: ${median(all)} files [${Math.min(...all)}..${Math.max(...all)}].`,
      '',
      `In every delivery: ${always.join(', ')}.`,
      `In some, by timing: ${sometimes.join(', ') || 'none'}.`,
    ]
  },
}
