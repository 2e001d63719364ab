import type { Logger } from '@x/events-core'
import type { DatabaseConnection, Kysely } from 'kysely'
import { EventEngineError } from '../errors.ts'
import type { Columns, RowOf } from '../sql/columns.ts'
import { type Parameter, readRows } from '../sql/database.ts'
import { closeSocket, type LentClient, noteClient, type PostgresPool } from './postgres-pool.ts'
import { createServerSessions, type Probed } from './server-sessions.ts'

/** How long the engine waits for the database, in milliseconds. */
export interface WaitLimits {
  /** After so long the server is asked, over another connection, whether it is at work. */
  readonly suspectAfterMs: number
  /** After so long the wait ends where the server cannot be asked: behind a pooler, without the pool, or cut off. */
  readonly giveUpAfterMs: number
}

/** A connection of the host's pool, lent to the engine. */
export interface LentConnection {
  /** As the host's dialect has it. */
  readonly connection: DatabaseConnection
  /**
   * Waits for what is done on it, until the connection is found silent.
   *
   * @throws EventEngineError `database_silent`
   */
  during<TResult>(limits: WaitLimits, work: () => Promise<TResult>): Promise<TResult>
  /**
   * Hands it back, once nothing is under way on it; resolves when it is free for the next, or was given up.
   *
   * @param tidy - called before, where the connection came to life again after it was given up.
   */
  release(tidy: () => Promise<unknown>): Promise<void>
}

/** Finds connections that have fallen silent: neither a response nor an error arrives. */
export interface ConnectionWatch {
  /** @throws EventEngineError `no_connection` */
  lend(limits: WaitLimits): Promise<LentConnection>
  /** Has a function called whenever no connection can be had for a while. */
  onStarved(callback: () => void): void
}

/** What {@link createConnectionWatch} works with. */
export interface ConnectionWatchParts {
  /** The host's, without plugins. */
  readonly host: Kysely<unknown>
  /** Undefined where the host has not given it: then silent connections are left to it. */
  readonly pool: PostgresPool | undefined
  readonly logger: Logger
}

interface Lent extends LentClient {
  /** Why nothing is sent on it any more. */
  silence: EventEngineError | undefined
}

function newLent(): Lent {
  return { client: undefined, bytesRead: undefined, silence: undefined }
}

interface Wait {
  readonly lent: Lent
  readonly limits: WaitLimits
  readonly kind: 'connection' | 'answer' | 'probe'
  /** Counted instead of measured: while this process was stopped, nothing could have come in. */
  ticks: number
  isJudged: boolean
  giveUp(error: EventEngineError): void
}

const TICK_MS = 100
/** Between two questions about the same wait. */
const ASK_EVERY_MS = 1_000
const PROBE_MS = 1_500
const PROBE: WaitLimits = { suspectAfterMs: PROBE_MS, giveUpAfterMs: PROBE_MS }
/**
 * Creates a watch over the waits of one engine. A wait that lasts is no proof: the database may be slow, or another
 * may hold a lock. So the watch asks the server, over another connection, what the connection's process does. If it is at
 * work, the wait goes on. If it waits for us, the connection is silent: it is closed and its session ended. All idle
 * connections of the pool are asked at the same time, since most likely others were silenced by the same cause.
 */
export function createConnectionWatch({ host, pool, logger }: ConnectionWatchParts): ConnectionWatch {
  const waits = new Set<Wait>()
  const server = createServerSessions(pool, probe)
  const starved = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined

  function wait<TResult>(
    lent: Lent,
    limits: WaitLimits,
    kind: Wait['kind'],
    work: () => Promise<TResult>,
  ): { readonly answer: Promise<TResult>; readonly settled: Promise<unknown> } {
    const { promise: answer, resolve, reject } = Promise.withResolvers<TResult>()
    const one: Wait = {
      lent,
      limits,
      kind,
      ticks: 0,
      isJudged: false,
      giveUp: (error) => waits.delete(one) && reject(error),
    }
    waits.add(one)
    timer ??= setInterval(sweep, TICK_MS).unref()
    // A result that arrives after the wait was given up is dropped.
    const settled = noteClient(lent, work).then(
      (value) => waits.delete(one) && resolve(value),
      (error: unknown) => waits.delete(one) && reject(error),
    )
    return { answer, settled }
  }

  async function lend(limits: WaitLimits, lent: Lent, kind: Wait['kind']): Promise<LentConnection> {
    const released = Promise.withResolvers<void>()
    let settled: Promise<unknown> = Promise.resolve()
    let handedBack: Promise<void> = Promise.resolve()
    const taken = wait(lent, limits, kind, () => {
      const given = Promise.withResolvers<DatabaseConnection>()
      handedBack = host
        .getExecutor()
        .provideConnection((one) => {
          given.resolve(one)
          return released.promise
        })
        .catch(given.reject)
      return given.promise
    })
    let connection: DatabaseConnection
    try {
      connection = await taken.answer
    } catch (error) {
      // A connection that arrives too late is handed back.
      released.resolve()
      throw error
    }
    return {
      connection,
      during(during, work) {
        if (lent.silence) return Promise.reject(lent.silence)
        const begun = wait(lent, during, kind === 'probe' ? 'probe' : 'answer', work)
        settled = begun.settled
        return begun.answer
      },
      async release(tidy) {
        if (!lent.silence) {
          released.resolve()
          return handedBack
        }
        // Not before the statement has ended: the next user of the connection would wait for it.
        void settled
          .then(tidy)
          .catch(() => {})
          .finally(released.resolve)
      },
    }
  }

  function sweep(): void {
    if (waits.size === 0) {
      clearInterval(timer)
      timer = undefined
      return
    }
    const suspects: Wait[] = []
    for (const one of waits) {
      one.ticks += 1
      const overdueMs = one.ticks * TICK_MS - one.limits.suspectAfterMs
      if (one.isJudged || overdueMs < 0 || overdueMs % ASK_EVERY_MS >= TICK_MS) continue
      const bytesRead = one.lent.client?.connection?.stream?.bytesRead
      if (bytesRead !== one.lent.bytesRead) {
        // A long answer on its way.
        one.lent.bytesRead = bytesRead
        one.ticks = 0
      } else if (one.kind === 'probe') end(one)
      else suspects.push(one)
    }
    if (suspects.some(({ kind }) => kind === 'connection')) for (const callback of starved) callback()
    if (suspects.length > 0) void judge(suspects)
  }

  async function judge(suspects: readonly Wait[]): Promise<void> {
    for (const one of suspects) one.isJudged = true
    const pids = new Set(suspects.flatMap(({ lent }) => lent.client?.processID ?? []))
    const states = await server.statesOf([...pids])
    const ended: Wait[] = []
    for (const one of suspects) {
      one.isJudged = false
      if (!waits.has(one)) continue
      const pid = one.lent.client?.processID
      const state = (typeof pid === 'number' && states?.get(pid)) || 'unknown'
      if (state === 'at work') one.ticks = 0
      else if (state !== 'unknown' || one.ticks * TICK_MS >= one.limits.giveUpAfterMs) {
        end(one)
        ended.push(one)
      }
    }
    const silent = ended.filter(({ kind }) => kind === 'answer')
    if (silent[0])
      reportSilence(
        logger,
        silent.map(({ lent }) => lent),
        silent[0].ticks * TICK_MS,
      )
    const sessions = ended.flatMap(({ lent }) => lent.client?.processID ?? [])
    if (states && sessions.length > 0) await server.endSessions(sessions)
  }

  function end(one: Wait): void {
    const waitedMs = one.ticks * TICK_MS
    if (one.kind === 'connection') {
      one.giveUp(
        new EventEngineError(
          'no_connection',
          `No connection to the database could be had within ${waitedMs} ms: all of the pool are in use, or none can be opened. Raise the pool's max, or end what holds its connections.`,
        ),
      )
      return
    }
    one.lent.silence = new EventEngineError(
      'database_silent',
      `The database has not answered for ${waitedMs} ms, and the connection was given up; whether it did what it was asked to is not known. Try again.`,
    )
    one.giveUp(one.lent.silence)
    closeSocket(one.lent.client)
  }

  async function probe<TColumns extends Columns>(
    columns: TColumns,
    statement: string,
    parameters: readonly Parameter[],
  ): Promise<Probed<RowOf<TColumns>>> {
    const lent = newLent()
    const probe = await lend(PROBE, lent, 'probe')
    try {
      const rows = await probe.during(PROBE, () => readRows(probe.connection, columns, statement, parameters))
      return { rows, pid: lent.client?.processID }
    } finally {
      void probe.release(async () => {})
    }
  }

  return {
    lend: (limits) => lend(limits, newLent(), 'connection'),
    onStarved: (callback) => void starved.add(callback),
  }
}

const CAUSES =
  'Look for what drops connections between this host and PostgreSQL: a firewall or NAT with an idle time-out, a failover. keepAlive of pg keeps idle ones open.'
const UNREACHED = `${CAUSES} Give the engine the pool of its connections (postgres: { pool }), so that it can close them.`

/** Logs that connections were given up. */
function reportSilence(logger: Logger, silent: readonly LentClient[], waitedMs: number): void {
  const isReached = silent.every(({ client }) => client?.connection?.stream !== undefined)
  const details = {
    component: 'database',
    event: 'silent_connection',
    connections: silent.length,
    waitedMs,
    remedy: isReached ? CAUSES : UNREACHED,
  }
  logger.warn(
    details,
    isReached
      ? 'Connections to the database stopped answering and were closed; work goes on over others'
      : 'Connections to the database stopped answering, and could not be closed; work goes on over others',
  )
}
