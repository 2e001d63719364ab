import { createInboxTable, kyselyInbox } from '@x/receiver/kysely'
import { pgInbox } from '@x/receiver/pg'
import type { PoolClient } from 'pg'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { inTurn, median, percentile, type Suite, table } from '../suite.ts'

// Short and many: another process that is let in disturbs few of them, and those the median leaves out.
const ROUNDS = 121
const TRANSACTIONS = 10
const STATEMENTS = [1, 4]
const text = 'x'.repeat(200)

/** The ratios round by round: median, and the middle half. */
function ratios(values: readonly number[], to: readonly number[]): string {
  const each = values.map((value, round) => value / (to[round] ?? Number.NaN))
  const [low, middle, high] = [25, 50, 75].map((percent) => percentile(each, percent).toFixed(2))
  return `${middle} [${low}..${high}]`
}

/** As senders make them: in the order of time. */
function nextId(): string {
  messages += 1
  return `evt_${Date.now().toString(16).padStart(12, '0')}-${String(messages).padStart(23, '0')}`
}

type Work<TTrx> = (trx: TTrx) => Promise<void>

let pageId = 0
let messages = 0

/** Microseconds for one transaction of a handler, alone and inside of an inbox. */
async function measure<TTrx>(
  insert: (trx: TTrx) => Promise<unknown>,
  alone: (work: Work<TTrx>) => Promise<unknown>,
  inInbox: (id: string, work: Work<TTrx>) => Promise<unknown>,
): Promise<(string | number)[]> {
  const cells: string[] = []
  for (const statements of STATEMENTS) {
    const work: Work<TTrx> = async (trx) => {
      for (let index = 0; index < statements; index++) {
        pageId += 1
        await insert(trx)
      }
    }
    const each = async (transaction: () => Promise<unknown>): Promise<number> => {
      const start = performance.now()
      for (let index = 0; index < TRANSACTIONS; index++) await transaction()
      return ((performance.now() - start) * 1_000) / TRANSACTIONS
    }
    const times = await inTurn(ROUNDS, {
      without: () => each(() => alone(work)),
      with: () => each(() => inInbox(nextId(), work)),
    })
    const shown = [times.without, times.with].map((values) => `${median(values).toFixed(0)} µs`)
    cells.push(...shown, ratios(times.with, times.without))
  }
  return cells
}

async function throughKysely({ name, db }: BenchDatabase): Promise<(string | number)[]> {
  await createInboxTable(db)
  const inbox = kyselyInbox(db)
  const cells = await measure<typeof db>(
    (trx) => trx.insertInto('page').values({ pageId, name: text, version: 1 }).execute(),
    (work) => db.transaction().execute(work),
    (id, work) => inbox.receive(id, work),
  )
  return [`Kysely on ${name}`, ...cells]
}

async function throughPg(): Promise<(string | number)[]> {
  await using database = await postgres()
  const { db, pool } = database
  await createInboxTable(db)
  const inbox = pgInbox(pool)
  const cells = await measure<PoolClient>(
    (trx) => trx.query('insert into page values ($1, $2, 1)', [pageId, text]),
    async (work) => {
      const client = await pool.connect()
      await client.query('begin')
      await work(client)
      await client.query('commit')
      client.release()
    },
    (id, work) => inbox.receive(id, work),
  )
  return ['pg on PostgreSQL', ...cells]
}

/** What it costs to mark a message in the transaction of its handler. */
export const benchInbox: Suite = {
  name: 'inbox',
  title: "a handler's transaction of one and of four inserts, without and with the inbox",
  async run() {
    const rows = []
    for (const open of [() => sqliteFile('FULL'), () => sqliteFile('NORMAL'), () => postgres()]) {
      await using database = await open()
      rows.push(await throughKysely(database))
    }
    rows.push(await throughPg())
    const head = STATEMENTS.flatMap((count) => [
      `${count} without`,
      `${count} with`,
      'with / without (to reach: <= 1.3)',
    ])
    return table(['library and database', ...head], rows)
  },
}
