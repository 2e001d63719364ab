import { sql } from 'kysely'
import type { BenchDatabase } from '../databases.ts'

/** What the database is filled with. */
export interface Filling {
  readonly tablePrefix: string
  readonly endpoints: number
  /** Each goes to several endpoints. */
  readonly events: number
  readonly deliveriesOfEach: number
  /** The time of the newest. */
  readonly now: number
}

const DAY_MS = 24 * 3_600_000
const DAYS = 7
/** Deliveries of other events were sent straight from the log. */
const STORED_EVERY = 5

/**
 * Fills the tables by SQL: a week of events of one tenant, which go to several of its endpoints each; ten endpoints get a fifth of
 * all. Every fifth event was stored, and some of its deliveries failed, were cancelled or wait.
 */
export async function fill({ db, pool }: BenchDatabase, filling: Filling): Promise<void> {
  const { tablePrefix, endpoints, events, deliveriesOfEach, now } = filling
  const run = (statement: string) => sql.raw(statement).execute(db)
  const table = (name: string) => `${tablePrefix}${name}`
  const numbers = (many: number) =>
    pool
      ? `(select n from generate_series(1::bigint, ${many}::bigint) n)`
      : `(with recursive s (n) as (values (1) union all select n + 1 from s where n < ${many}) select n from s)`
  const begin = now - DAYS * DAY_MS
  const whole = (value: string) => `cast(${value} as bigint)`
  const time = (n: string) => whole(`${begin} + ${n} * ${Math.floor((DAYS * DAY_MS) / events)}`)
  const id = (n: string) =>
    pool
      ? `'evt_' || substr(lpad(to_hex(${time(n)}), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex(${time(n)}), 12, '0'), 9) || '-7000-8000-' || lpad(to_hex(${n}), 12, '0')`
      : `printf('evt_%08x-%04x-7000-8000-%012x', ${time(n)} >> 16, ${time(n)} & 65535, ${n})`
  const type = (n: string) =>
    `case when ${n} % 1000 = 0 then 'Invoice' when ${n} % 3 = 0 then 'Page' else 'File' end`
  const overriding = pool ? 'overriding system value' : ''
  const modifiedOn = pool ? `to_timestamp(${time('n')} / 1000.0)` : time('n')
  const data = `'{"name":"invoice-' || n || '","text":"${'x'.repeat(200)}"}'`

  await run(`insert into ${table('sync_event')} (seq, id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data)
    ${overriding} select n, ${id('n')}, 1, 7, ${type('n')}, cast(n as text), 'Update', ${modifiedOn},
      ${pool ? `(${data})::json` : data} from ${numbers(events)} numbers order by numbers.n`)
  await run(`insert into ${table('webhook_message')} (key, event_id, event_type, tenant_id, site_id, created_on, body)
    ${overriding} select n * ${deliveriesOfEach}, ${id('n')}, ${type('n')} || '.Update', 1, 7, ${time('n')},
      '{"type":"' || ${type('n')} || '.Update","data":{"entity":' || ${data} || '}}'
    from ${numbers(events)} numbers where n % ${STORED_EVERY} = 0 order by numbers.n`)
  // Of those stored, all have the message's key; of the others, each has one of its own.
  const isStored = `n % ${STORED_EVERY} = 0`
  const endpoint = `1 + case when j = 0 then n % 10 else (n * 13 + j * 211) % ${endpoints} end`
  const key = `n * ${deliveriesOfEach} + case when ${isStored} then 0 else j end`
  const state = `case when not (${isStored}) then 'succeeded' when n % 100 = 0 then 'exhausted'
    when n % 145 = 0 then 'cancelled' when n % 205 = 0 then 'pending' else 'succeeded' end`
  await run(`insert into ${table('webhook_delivery')} (message_key, endpoint_key, state, due_on, attempt_count, step, created_on,
      finished_on, last_status, last_error_code, event_seq, duration_ms, url, signature)
    select key, endpoint, state, case when state = 'pending' then ${now} end,
      case when ${isStored} and n % 15 = 0 then 3 else 1 end, 1, created_on,
      case when state <> 'pending' then created_on + 1000 end,
      case when state = 'succeeded' then 200 else 500 end,
      case when state <> 'succeeded' then 'http_status' end,
      case when ${isStored} then null else n end, case when ${isStored} then null else 20 end,
      case when ${isStored} then null else 'https://example.com/hook' end,
      case when ${isStored} then null else 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=' end
    from (select n, ${key} as key, ${endpoint} as endpoint, ${state} as state, ${time('n')} as created_on
      from ${numbers(events)} numbers cross join (select n - 1 as j from ${numbers(deliveriesOfEach)} others) others) d
    where true on conflict do nothing`)
  await run(`insert into ${table('webhook_attempt')} (message_key, endpoint_key, number, started_on, duration_ms, url, signature,
      status, error_code, error_message)
    select message_key, endpoint_key, number, created_on + number, 20, 'https://example.com/hook', 'v1,x',
      case when number = attempt_count and state = 'succeeded' then 200 else 500 end,
      case when number = attempt_count and state = 'succeeded' then null else 'http_status' end, null
    from ${table('webhook_delivery')} cross join (select n as number from ${numbers(3)} numbers) numbers
    where event_seq is null and number <= attempt_count`)
  await run(`insert into ${table('webhook_queue')} (endpoint_key, failing_since, not_before)
    select key, case when key % 40 = 0 then ${now - DAY_MS} end, case when key % 80 = 0 then ${now + DAY_MS} else 0 end
    from ${table('webhook_endpoint')} where true on conflict do nothing`)
  await countAttempts(run, table, now)
  if (pool) await pool.query('vacuum analyze')
}

/** What the counters would have been rolled up to: the last day by the minute, the days before by the hour. */
async function countAttempts(
  run: (statement: string) => Promise<unknown>,
  table: (name: string) => string,
  now: number,
): Promise<void> {
  const yesterday = Math.floor((now - DAY_MS) / 3_600_000) * 3_600_000
  for (const [seconds, range] of [
    [60, `>= ${yesterday}`],
    [3_600, `< ${yesterday}`],
  ] as const) {
    const from = `(created_on / ${seconds * 1_000}) * ${seconds * 1_000}`
    for (const owner of ['endpoint_key', '0']) {
      await run(`insert into ${table('webhook_statistic')} (tenant_id, endpoint_key, seconds, from_on, succeeded, failed, exhausted, latency)
        select 1, ${owner}, ${seconds}, ${from}, count(*), sum(attempt_count - 1), 0, '[[30,' || count(*) || ']]'
        from ${table('webhook_delivery')} where created_on ${range}
        group by ${owner === '0' ? '' : `${owner}, `}${from}`)
    }
  }
}
