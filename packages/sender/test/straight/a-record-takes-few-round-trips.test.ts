import { EntityNames } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { type HostOptions, type OpenHost, openHost, site } from '../open-host.ts'

/** The statements of each transaction; one that runs outside of any is a transaction of its own. */
function transactionLog() {
  const transactions: string[][] = []
  const open = new WeakMap<object, string[]>()
  return {
    transactions,
    /** Those that have written deliveries or attempts. */
    get records() {
      const writes = /insert into "?xe_webhook_(?:delivery|attempt)/
      return transactions.filter((statements) => statements.some((one) => writes.test(one)))
    },
    before(statement: string, connection: object) {
      // SQLite's transactions are begun anew as those of a writer, see beginAsWriter.
      const isBegin = /^\s*(?:begin|start transaction)/.test(statement)
      const current = isBegin ? [] : open.get(connection)
      if (!current) transactions.push([statement])
      else {
        if (isBegin) transactions.push(current)
        current.push(statement)
        open.set(connection, current)
      }
      if (/^\s*(?:commit|rollback)/.test(statement)) open.delete(connection)
    },
  }
}

async function openLogged(options: HostOptions = {}) {
  const host = await openHost()
  const observer = transactionLog()
  const node = await host.openAnother({ ...options, observer })
  await node.start()
  return {
    node,
    observer,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
    },
  }
}

const raise = (host: OpenHost, id: number) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Update')

const count = async (host: OpenHost, condition: string) => {
  const [row] = await host.run<{ n: unknown }>(
    `select count(*) as n from xe_webhook_delivery where ${condition}`,
  )
  return Number(row?.n)
}

/** Whether queries may write: elsewhere a record is one transaction of several statements, which cost no round trip. */
const hasRoundTrips = () => testDialect() === 'postgres'

/** Raises an event, and gives the transactions that have written its deliveries until it has succeeded. */
async function recordsOf({ node, observer }: Awaited<ReturnType<typeof openLogged>>, id: number) {
  observer.transactions.length = 0
  await raise(node, id)
  await waitFor(async () => (await count(node, `state = 'succeeded'`)) === id, 'its record')
  return observer.records
}

it('records successes in one round trip', async () => {
  await using logged = await openLogged()
  const { node } = logged
  await using consumer = await testConsumer()
  await node.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  let straight = 0
  for (let id = 1; straight < 3; id++) {
    const records = await recordsOf(logged, id)
    const now = await count(node, 'url is not null')
    // One that had no response in time was stored.
    if (now === straight) continue
    straight = now
    expect(records).toHaveLength(1)
    const [record = []] = records
    // Five before: begin, fence, revision, insert, commit.
    if (hasRoundTrips()) expect(record).toEqual([expect.stringContaining('xe_subscription')])
    else expect(record.filter((one) => /^(?:begin|commit)/.test(one))).toEqual(['begin immediate', 'commit'])
  }
})

it('stores and records what is not sent straight in two transactions of few statements', async () => {
  await using logged = await openLogged()
  const { node } = logged
  await using consumer = await testConsumer()
  const options = { tenantId: 1, url: consumer.url, retrySchedule: [0, 60] }
  const { endpoint } = await node.sender.endpoints.create({ ...options, ordering: 'fifo' })
  const inOrder = await recordsOf(logged, 1)
  await node.sender.endpoints.update(endpoint.id, {
    ordering: 'none',
    rateLimit: { limit: 1_000, perSeconds: 1 },
  })
  const limited = await recordsOf(logged, 2)
  for (const records of [inOrder, limited]) {
    expect(records.map(([begin]) => begin)).toEqual([
      expect.stringMatching(/^(?:begin|start)/),
      expect.stringMatching(/^(?:begin|start)/),
    ])
  }
  if (!hasRoundTrips()) return
  // Seven before: begin, fence, revision, messages, queue, ordering keys, commit; and six: begin, lock, results, ordering
  // keys, queue, commit.
  expect(inOrder.map(({ length }) => length)).toEqual([5, 5])
  // Six before; and six, of which one is the state of the rate limit.
  expect(limited.map(({ length }) => length)).toEqual([4, 5])
})
