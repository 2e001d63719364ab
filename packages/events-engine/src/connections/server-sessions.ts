import { type Columns, nullable, type RowOf, text, word } from '../sql/columns.ts'
import type { Parameter } from '../sql/database.ts'
import type { PostgresPool } from './postgres-pool.ts'

/** Runs a statement on a connection of its own, and gives it up soon. */
export type Probe = <TColumns extends Columns>(
  columns: TColumns,
  statement: string,
  parameters: readonly Parameter[],
) => Promise<Probed<RowOf<TColumns>>>

/** What a session of the server does, as another of its sessions sees it. */
export type SessionState = 'gone' | 'unknown' | 'at work' | 'idle'

/** An answer, and whom the driver takes for its sender. */
export interface Probed<TRow> {
  readonly rows: readonly TRow[]
  readonly pid: number | null | undefined
}

/** What the server knows of the sessions behind connections. */
export interface ServerSessions {
  /** @returns undefined where the server cannot be asked, or knows the connections by other numbers. */
  statesOf(pids: readonly number[]): Promise<ReadonlyMap<number, SessionState> | undefined>
  /** Ends those that wait for us: what they have locked is free, and what is still on its way to them is never done. */
  endSessions(pids: readonly number[]): Promise<void>
}

const MAX_PROBES = 100

const stateColumns = { own: text, pid: nullable(text), state: word<SessionState>() }
const STATES = `select pg_backend_pid()::text as own, s.pid::text as pid, case
    when a.pid is null then 'gone'
    when a.state is null or a.state = 'disabled' then 'unknown'
    when a.state = 'active' and a.wait_event_type is distinct from 'Client' then 'at work'
    when a.state_change > clock_timestamp() - interval '1 second' then 'at work'
    else 'idle' end as state
  from (values (1)) one (n) left join unnest(string_to_array($1, ',')::int[]) s (pid) on true
  left join pg_stat_activity a on a.pid = s.pid`
const END_SESSIONS = `select pg_terminate_backend(pid) from pg_stat_activity
  where pid = any(string_to_array($1, ',')::int[]) and usename = current_user and datname = current_database()
    and state like 'idle%' and state_change < clock_timestamp() - interval '1 second'`

/** Asks over all idle connections of the pool at once, of which those that are silent are closed. */
export function createServerSessions(pool: PostgresPool | undefined, probe: Probe): ServerSessions {
  function ask<TColumns extends Columns>(
    columns: TColumns,
    statement: string,
    pids: readonly number[],
  ): Promise<Probed<RowOf<TColumns>> | undefined> {
    const count = Math.min(MAX_PROBES, Math.max(1, pool?.idleCount ?? 1))
    const asked = Array.from({ length: count }, () => probe(columns, statement, [pids.join(',')]))
    return Promise.any(asked).catch(() => undefined)
  }

  return {
    async statesOf(pids) {
      const probed = await ask(stateColumns, STATES, pids)
      // A pooler makes up numbers of its own.
      if (!probed || Number(probed.rows[0]?.own) !== probed.pid) return undefined
      return new Map(probed.rows.map(({ pid, state }) => [Number(pid), state]))
    },
    async endSessions(pids) {
      await ask({}, END_SESSIONS, pids)
    },
  }
}
