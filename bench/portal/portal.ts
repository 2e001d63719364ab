import { randomBytes } from 'node:crypto'
import { createEventEngine } from '@x/events-engine'
import { createPortal } from '@x/portal'
import { createWebhookSender, type Delivery } from '@x/sender'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { count, percentile, type Suite, table } from '../suite.ts'
import { fill } from './fill.ts'

const ENDPOINTS = 1_000
const EVENTS = 200_000
const DELIVERIES_OF_EACH = 5
const ROUNDS = 40
const WARM_UP = 2
const PREFIX = 'bench_'

/** Asks the API below the portal's path. */
type Ask = (path: string) => Promise<Record<string, unknown>>

/** What pages ask for: the path, for a number that chooses something else each time. */
type Questions = Readonly<Record<string, (round: number) => string>>

async function open({ db, pool }: BenchDatabase) {
  const engine = createEventEngine({ db, tablePrefix: PREFIX, ...(pool ? { postgres: { pool } } : {}) })
  const sender = createWebhookSender({ engine, encryptionKey: randomBytes(32) })
  await sender.migrate()
  const portal = createPortal({
    sender,
    basePath: '/portal',
    authorize: (request: Request) => ({
      tenantId: Number(request.headers.get('x-tenant') ?? 1),
      role: 'manager',
    }),
  })
  const ask = async (path: string, tenant = 1): Promise<Record<string, unknown>> => {
    const headers = { 'x-tenant': String(tenant) }
    const response = await portal.handle(new Request(`http://localhost/portal/api/${path}`, { headers }))
    const body = (await response.json()) as Record<string, unknown>
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${JSON.stringify(body)}`)
    return body
  }
  return { sender, ask }
}

/** The questions of each page, with ids that are there. */
async function questionsOf(ask: Ask, now: number): Promise<Questions> {
  const { items } = (await ask('deliveries?limit=100')) as { items: Delivery[] }
  const endpoints = (await ask('endpoints?limit=100')) as { items: { id: string }[] }
  const delivery = (round: number) => items[round % items.length] as Delivery
  const endpoint = (round: number) => endpoints.items[round % endpoints.items.length]?.id ?? ''
  const day = (ago: number) => new Date(now - ago * 24 * 3_600_000).toISOString()
  const old = (round: number) =>
    `dlv_${1 + (round % ENDPOINTS)}_${Math.floor(((round + 1) / (ROUNDS + 3)) * EVENTS) * DELIVERIES_OF_EACH}`
  return {
    'endpoints, failing first, with their last day': () => 'endpoints?sort=failing&withSummary=true',
    'endpoints: text; health': (round) =>
      round % 2 ? `endpoints?search=${round}.example` : 'endpoints?health=failing',
    'an endpoint: its health': (round) => `endpoints/${endpoint(round)}/health`,
    'an endpoint: statistics of a day': (round) => `endpoints/${endpoint(round)}/statistics`,
    'statistics of all, of a week': () => `statistics?since=${day(7)}`,
    'deliveries, newest': () => 'deliveries',
    'deliveries, an older page': (round) => `deliveries?before=${old(round)}`,
    'deliveries of an endpoint': (round) => `deliveries?endpointId=${endpoint(round)}`,
    'deliveries in a time range': (round) =>
      `deliveries?createdAfter=${day(4)}&createdBefore=${day(3 - (round % 10) / 10)}`,
    'deliveries: exhausted; pending; cancelled': (round) =>
      `deliveries?state=${['exhausted', 'pending', 'cancelled', 'exhausted,cancelled'][round % 4]}`,
    'deliveries: 5xx; with failed attempts': (round) =>
      `deliveries?${['status=5xx', 'hasFailedAttempts=true', 'errorCode=http_status&eventType=Page.*'][round % 3]}`,
    'deliveries of a type, many; few; none': (round) =>
      `deliveries?eventType=${['file.*', 'Invoice.*', 'User.*'][round % 3]}`,
    'deliveries of endpoints whose URL has a text': (round) => `deliveries?url=${round}.example`,
    'deliveries of an event': (round) => `deliveries?eventId=${delivery(round).eventId}`,
    'search for an id': (round) =>
      `deliveries?search=${round % 2 ? delivery(round).id : delivery(round).eventId}`,
    'search for a text that is there; that is not': (round) =>
      `deliveries?search=${round % 2 ? `invoice-${EVENTS - round}` : 'nowhere'}`,
    'count of all; of a filter': (round) => `deliveries/count${round % 2 ? '?status=5xx' : ''}`,
    'a delivery': (round) => `deliveries/${delivery(round).id}`,
    'an event, and who got it': (round) => `raised-events/${delivery(round).eventId}`,
    jobs: () => 'jobs',
  }
}

async function measure(database: BenchDatabase): Promise<Map<string, string>> {
  const { sender, ask } = await open(database)
  for (let number = 1; number <= ENDPOINTS; number++) {
    const url = `https://${number}.example.com/hook`
    await sender.endpoints.create({ tenantId: 1, url, description: `Consumer ${number}` })
  }
  await sender.endpoints.create({ tenantId: 2, url: 'https://example.com/hook' })
  const now = Date.now()
  await fill(database, {
    tablePrefix: PREFIX,
    endpoints: ENDPOINTS,
    events: EVENTS,
    deliveriesOfEach: DELIVERIES_OF_EACH,
    now,
  })
  const questions = await questionsOf(ask, now)
  const found = new Map<string, string>()
  for (const [name, path] of Object.entries(questions)) {
    const times: number[] = []
    for (let round = 0; round < ROUNDS + WARM_UP; round++) {
      const begin = performance.now()
      await ask(path(round))
      if (round >= WARM_UP) times.push(performance.now() - begin)
    }
    found.set(name, `${percentile(times, 50).toFixed(0)} / ${percentile(times, 95).toFixed(0)}`)
  }
  return found
}

/** What the pages of the portal ask its API, with a million deliveries. */
export const benchPortal: Suite = {
  name: 'portal',
  title: `each page's API, with ${count(EVENTS * DELIVERIES_OF_EACH)} deliveries to ${count(ENDPOINTS)} endpoints of one tenant`,
  async run() {
    const columns: Map<string, string>[] = []
    for (const openOne of [() => sqliteFile('NORMAL'), () => postgres()]) {
      await using database = await openOne()
      columns.push(await measure(database))
    }
    const rows = [...(columns[0]?.keys() ?? [])].map((name) => [
      name,
      ...columns.map((column) => column.get(name) ?? ''),
    ])
    return table(['p50 / p95, ms (to reach: p95 <= 100)', 'SQLite', 'PostgreSQL'], rows)
  },
}
