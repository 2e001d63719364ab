import { systemClock } from '@x/events-core'
import { sqlDialectOf } from '@x/events-engine/internal'
import { type CompiledQuery, type Kysely, CompiledQuery as Query } from 'kysely'
import { expect } from 'vitest'
import { asSharedClock } from '../../src/clock.ts'
import { apiKeyStore } from '../../src/store/api-keys.ts'
import type { StoreContext } from '../../src/store/context.ts'
import { sequenceStore } from '../../src/store/sequence.ts'
import { tableNames } from '../../src/table-names.ts'
import { it, testDialect } from '../each-database.ts'
import { openHost } from '../open-host.ts'

const MANY = 20_000

it('reads no more of 40,000 messages than it gives', async () => {
  await using host = await openHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: null })
  await host.sender.endpoints.create({ tenantId: 1, url: null })
  const isSqlite = testDialect() === 'sqlite'
  const numbers = isSqlite
    ? `(with recursive s(n) as (values (1) union all select n + 1 from s where n < ${MANY}) select n from s)`
    : `(select n from generate_series(1::bigint, ${MANY}) n) s`
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select 'evt_' || n, 1, 1, 'File.Create', 1, '{}' from ${numbers} order by n`)
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, created_on, sequence, chain)
    select n, endpoint, 'pull', 1, n, 'c' from ${numbers} cross join (select 1 as endpoint union all select 2) e`)
  await host.run(
    `insert into xe_webhook_sequence (endpoint_key, last, chain) select key, ${MANY}, 'c' from xe_webhook_endpoint`,
  )
  if (!isSqlite) await host.run('analyze xe_webhook_message, xe_webhook_delivery, xe_webhook_endpoint')

  const asked: CompiledQuery[] = []
  const db = {
    executeQuery(query: CompiledQuery) {
      asked.push(query)
      return host.db.executeQuery(query)
    },
  } as unknown as Kysely<unknown>
  const context: StoreContext = {
    db,
    sql: sqlDialectOf(testDialect()),
    names: tableNames('xe_', undefined),
    nodeId: 'node-1',
    clock: asSharedClock(systemClock),
  }
  const query = { endpointId: endpoint.id, tenantId: 1, after: 10_000, limit: 50 }
  const { messages } = await sequenceStore(context).messagesAfter(query)
  expect([messages.length, messages[0]?.sequence]).toEqual([50, 10_001])
  await sequenceStore(context).lastNumbers([1, 2])
  await apiKeyStore(context).findApiKey('0'.repeat(64), Date.now())

  const explain = isSqlite ? 'explain query plan' : 'explain (analyze, costs off, timing off)'
  for (const { sql, parameters } of asked) {
    const { rows } = await host.db.executeQuery(Query.raw(`${explain} ${sql}`, [...parameters]))
    const plan = rows.map((row) => Object.values(row as object).join(' ')).join('\n')
    // A table of two endpoints, or of no key at all, may be read as a whole.
    expect(plan, `${sql}\n${plan}`).not.toMatch(
      /SCAN (m|xe_webhook_(delivery|message))\b|Seq Scan on xe_webhook_(delivery|message)/,
    )
    expect(plan, `${sql}\n${plan}`).not.toMatch(/rows=(?:\d{4,})/)
  }
})
