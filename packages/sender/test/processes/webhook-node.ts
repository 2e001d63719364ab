// One of several nodes on one PostgreSQL, for tests that kill, freeze and stop them. Does what it is told by
// the lines of its standard input, says what it has done by those of its standard output, and ends when its
// input is closed.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { createEventEngine } from '@x/events-engine'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { createWebhookSender, createWebhookWorker, type WebhookSenderOptions } from '../../src/index.ts'

/** What {@link startNode} passes, as JSON. */
export interface WebhookNodeOptions
  extends Partial<Omit<WebhookSenderOptions<unknown>, 'engine' | 'encryptionKey'>> {
  readonly url: string
  readonly encryptionKey: string
  /** Of endpoints, and of subscriptions: of these at least two seconds. */
  readonly leaseMs?: number
  /** Only sends. */
  readonly isWorker?: boolean
}

const { url, encryptionKey, isWorker, ...options } = JSON.parse(process.argv[2] ?? '') as WebhookNodeOptions
const say = (line: string) => process.stdout.write(`${line}\n`)
const warn = (details: object, message: string) => say(`warning ${message} ${JSON.stringify(details)}`)
const logger = { debug() {}, info() {}, warn, error: warn }

const pool = new Pool({ connectionString: url, max: 6 })
const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
const engine = createEventEngine({
  db,
  postgres: { pool },
  logger,
  leaseMs: Math.max(options.leaseMs ?? 0, 2_000),
})
const settings = { engine, encryptionKey, network: { allow: ['127.0.0.0/8'] }, ...options }
const sender = isWorker ? createWebhookWorker(settings) : createWebhookSender(settings)

const commands: Record<string, (...parameters: string[]) => Promise<void>> = {
  /** So many events of an entity, in transactions of ten; each says who has raised it, and as which. */
  async raise(entityName = '', count = '') {
    for (let raised = 0; raised < Number(count); ) {
      await engine.transaction(async ({ raise }) => {
        for (let each = 0; each < 10 && raised < Number(count); each++, raised++) {
          const data = { by: options.userAgent ?? '', index: raised }
          await raise({ tenantId: 1, siteId: 7 }, entityName as 'File', raised % 5, 'Update', { data })
        }
      })
    }
  },
  stop: () => sender.stop(),
}

await sender.start()
await engine.start()
say('started')
for await (const line of createInterface({ input: process.stdin })) {
  const [command = '', ...parameters] = line.split(' ')
  await commands[command]?.(...parameters)
  say(`done ${line}`)
}
process.exit()
