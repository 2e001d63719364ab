// A bank in a process of its own: it takes transfers out of its account, raises them as events in the same transaction, and sends them to
// the other bank; what the other bank sends is added to the account in the transaction of the inbox. It does so until it is
// told to "rest", and answers GET /balance.
import { randomInt, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { createEventEngine } from '@x/events-engine'
import { createReceiver } from '@x/receiver'
import { createInboxTable, kyselyInbox } from '@x/receiver/kysely'
import { webhook } from '@x/receiver/node'
import { createWebhookSender } from '@x/sender'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { Pool } from 'pg'

/** What the program is started with, as JSON. */
export interface BankOptions {
  /** A file of SQLite, or the URL of a PostgreSQL database. */
  readonly place: string
  readonly port: number
  readonly other: string
  /** What it signs with, and what the other one signs with. */
  readonly secrets: { readonly own: string; readonly others: string }
  /** Whether its webhooks are numbered, and so stored before they are sent. */
  readonly sequence: boolean
  readonly money: number
}

/** What `GET /balance` answers. */
export interface Balance {
  readonly money: number
  /** Ids of transfers that were taken out, and of those that were added, once for each time. */
  readonly sent: readonly string[]
  readonly received: readonly string[]
  /** Outages that the bank has lived through: transfers that were not committed, as far as it could tell. */
  readonly failures: number
}

interface Tables {
  account: { id: number; money: number }
  sent: { id: string; amount: number }
  received: { id: string; amount: number }
}

declare module '@x/events-core' {
  interface EntityTypes {
    Transfer: { id: string; amount: number }
  }
}

const options = JSON.parse(process.argv[2] ?? '') as BankOptions
const { place, port, other, secrets, sequence, money } = options
const ACCOUNT = 1
const MAX_AMOUNT = 100
const PAUSE_MS = 25

function open() {
  if (!place.startsWith('postgres:')) {
    const database = new Database(place)
    database.pragma('journal_mode = WAL')
    return { dialect: new SqliteDialect({ database }), postgres: undefined }
  }
  const pool = new Pool({ connectionString: place, max: 8 })
  // Of a connection that nobody uses, and that is cut.
  pool.on('error', () => {})
  return { dialect: new PostgresDialect({ pool }), postgres: { pool } }
}

const { dialect, postgres } = open()
const db = new Kysely<Tables>({ dialect })
const engine = createEventEngine({ db, postgres, leaseMs: 2_000 })
const sender = createWebhookSender({
  engine,
  encryptionKey: Buffer.alloc(32, 7),
  network: { allow: ['127.0.0.0/8'] },
  leaseMs: 2_000,
  retrySchedule: [0, ...Array.from({ length: 49 }, () => 1)],
  circuit: { firstPauseSeconds: 1, maxPauseSeconds: 1 },
})
let failures = 0

/** A server that has just lost its power takes a while to answer again. */
async function untilDone(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 100) throw error
      await pause(100)
    }
  }
}

await untilDone(async () => {
  await sender.migrate()
  await createInboxTable(db)
  const tables = { account: 'id integer primary key, money integer', sent: 'id text, amount integer' }
  for (const [name, columns] of Object.entries({ ...tables, received: tables.sent })) {
    await sql`create table if not exists ${sql.table(name)} (${sql.raw(`${columns} not null`)})`.execute(db)
  }
  const account = db.insertInto('account').values({ id: ACCOUNT, money })
  await account.onConflict((conflict) => conflict.column('id').doNothing()).execute()
  const [known] = await sender.endpoints.list({ tenantId: 1 })
  const isNew = known === undefined
  if (isNew) {
    await sender.endpoints.create({
      tenantId: 1,
      url: other,
      eventTypes: ['Transfer.Create'],
      secret: secrets.own,
      sequence,
    })
  }
})

const receiver = createReceiver({ secrets: secrets.others, inbox: kyselyInbox(db) })
receiver.on('Transfer.Create', async ({ data }, { trx }) => {
  const { id, amount } = data.entity as { readonly id: string; readonly amount: number }
  await trx.insertInto('received').values({ id, amount }).execute()
  await trx
    .updateTable('account')
    .set(({ eb }) => ({ money: eb('money', '+', amount) }))
    .where('id', '=', ACCOUNT)
    .execute()
})
receiver.onError(() => {
  failures += 1
})

async function transfer(): Promise<void> {
  const id = randomUUID()
  const amount = randomInt(1, MAX_AMOUNT)
  await engine.transaction(async ({ trx, raise }) => {
    await trx
      .updateTable('account')
      .set(({ eb }) => ({ money: eb('money', '-', amount) }))
      .where('id', '=', ACCOUNT)
      .execute()
    await trx.insertInto('sent').values({ id, amount }).execute()
    await raise({ tenantId: 1, siteId: 1 }, 'Transfer', id, 'Create', { data: { id, amount } })
  })
}

/** By one statement: on PostgreSQL, the next one would see what has been committed since. */
async function balance(): Promise<Balance> {
  const { rows } = await sql<{ kind: 'money' | 'sent' | 'received'; value: string }>`
    select 'money' as kind, cast(money as text) as value from account
    union all select 'sent', id from sent
    union all select 'received', id from received`.execute(db)
  const valuesOf = (kind: string) => rows.filter((row) => row.kind === kind).map(({ value }) => value)
  return {
    money: Number(valuesOf('money')[0]),
    sent: valuesOf('sent'),
    received: valuesOf('received'),
    failures,
  }
}

const receive = webhook(receiver)
const server = createServer((request, response) => {
  if (request.url !== '/balance') return receive(request, response)
  balance().then(
    (found) => response.end(JSON.stringify(found)),
    () => response.writeHead(503).end(),
  )
})
await sender.start()
await engine.start()
// Some connection may have been given the port of a bank that was killed; it does not keep it for long.
server.on('error', () => setTimeout(listen, 100))
server.on('listening', () => process.stdout.write('open\n'))
function listen(): void {
  server.listen(port, '127.0.0.1')
}
listen()

let isResting = false
createInterface(process.stdin)
  .on('line', () => {
    isResting = true
  })
  // Whoever started this process has gone: so does it.
  .on('close', () => process.exit())
while (!isResting) {
  await transfer().catch(() => {
    failures += 1
  })
  await pause(PAUSE_MS)
}
process.stdout.write('resting\n')
