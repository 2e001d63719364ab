import {
  type Assertion,
  type Clock,
  type FieldNames,
  type IServiceScopeFactory,
  type Logger,
  silentLogger,
  systemClock,
} from '@x/events-core'
import type { Kysely } from 'kysely'
import type { PostgresPool } from './connections/postgres-pool.ts'
import type { RetentionOptions, RetentionSettings } from './maintenance/retention.ts'
import { guardLogger } from './observability/node-logger.ts'
import { DEFAULT_TABLE_PREFIX } from './store/table-names.ts'
import { createOptionAssertion, LOGGER_METHODS } from './util/assert.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
/** A hundred years. So long before now there are dates in both databases. */
const LONGEST_KEPT_MS = 36_500 * DAY_MS

/** The options of {@link createEventEngine}. */
export interface EventEngineOptions<DB> {
  /** The host's own Kysely instance: the one whose transactions events are raised in. */
  readonly db: Kysely<DB>
  /** Opens a service scope for each call of a subscriber. Without it, calls have no scope. */
  readonly services?: IServiceScopeFactory | undefined
  /**
   * A pino logger or anything like it.
   * @defaultValue silent
   */
  readonly logger?: Logger | undefined
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined
  /**
   * The prefix of the engine's table names.
   * @defaultValue 'xe_'
   */
  readonly tablePrefix?: string | undefined
  /**
   * PostgreSQL only: the schema of the engine's tables; created where it is missing.
   * @defaultValue the first schema of the search path
   */
  readonly schema?: string | undefined
  /**
   * Most bytes of an event's data, as JSON.
   * @defaultValue 262144
   */
  readonly maxDataBytes?: number | undefined
  /**
   * Duration of a lease in milliseconds: after so long without renewal, another node takes a subscription over.
   * @defaultValue 6000
   */
  readonly leaseMs?: number | undefined
  /**
   * Shortest time between two polls for events of other processes, in milliseconds.
   * @defaultValue 5
   */
  readonly pollMinMs?: number | undefined
  /**
   * Longest time between two polls, reached when nothing happens, in milliseconds.
   * @defaultValue 1000
   */
  readonly pollMaxMs?: number | undefined
  /**
   * How long the log keeps events; `false` to never delete any.
   * @defaultValue 7 days, and longer where a durable subscription has not passed them
   */
  readonly retention?: RetentionOptions | false | undefined
  /**
   * PostgreSQL only. Without it the host itself has to listen for `error`, on its pool and on each client of it: a
   * connection that is lost during a transaction would end the process.
   */
  readonly postgres?: PostgresOptions | undefined
  /**
   * PostgreSQL only: how long the engine waits for a connection of the pool, or for a result, where it cannot ask the server
   * whether it is at work, in milliseconds. With `postgres: { pool }` and no pooler in between it can: then it waits for
   * slow statements, and closes silent connections earlier.
   * @defaultValue 5000
   */
  readonly databaseTimeoutMs?: number | undefined
  /**
   * Longest time that `stop()` waits for calls of subscribers, in milliseconds.
   * @defaultValue 10000
   */
  readonly stopTimeoutMs?: number | undefined
}

/** How the engine may use connections of PostgreSQL beyond `db`. */
export interface PostgresOptions {
  /**
   * The `pg.Pool` of `db`. The engine closes silent connections of it; limits how long one may take to open, unless you
   * have set `connectionTimeoutMillis`; and listens to the `error` event of the pool and its connections, which would end
   * the process when the server goes away.
   */
  readonly pool: PostgresPool
  /**
   * The pool whose connection listens for other nodes, so that events reach them within milliseconds instead of at their
   * next poll; `false` for none. A pooler in transaction mode passes no notifications on: give a pool of direct connections
   * here.
   * @defaultValue `pool`, unless its `max` is 1
   */
  readonly listen?: PostgresPool | false | undefined
}

/** The options with every default in place. */
export interface EventEngineSettings<DB> {
  readonly db: Kysely<DB>
  readonly services: IServiceScopeFactory | undefined
  readonly logger: Logger
  readonly clock: Clock
  readonly tablePrefix: string
  readonly schema: string | undefined
  readonly maxDataBytes: number
  readonly leaseMs: number
  readonly pollMinMs: number
  readonly pollMaxMs: number
  readonly retention: RetentionSettings | undefined
  readonly pool: PostgresPool | undefined
  readonly listenPool: PostgresPool | undefined
  /** Whether the engine does not listen because the pool has one connection. */
  readonly isPoolOfOne: boolean
  readonly databaseTimeoutMs: number
  readonly stopTimeoutMs: number
}

const assertOption: Assertion = createOptionAssertion('createEventEngine')

const OPTIONS: FieldNames<EventEngineOptions<unknown>> = {
  db: true,
  services: true,
  logger: true,
  clock: true,
  tablePrefix: true,
  schema: true,
  maxDataBytes: true,
  leaseMs: true,
  pollMinMs: true,
  pollMaxMs: true,
  retention: true,
  postgres: true,
  databaseTimeoutMs: true,
  stopTimeoutMs: true,
}
const POSTGRES: FieldNames<PostgresOptions> = { pool: true, listen: true }
const RETENTION: FieldNames<RetentionOptions> = { keepMs: true, abandonedAfterMs: true, intervalMs: true }

/** @throws EventEngineError `invalid_option` */
export function resolveEventEngineOptions<DB>(given: EventEngineOptions<DB>): EventEngineSettings<DB> {
  const options = assertOption.fields('', given, OPTIONS)
  const isInstance = typeof options.db?.getExecutor === 'function' && !options.db.isTransaction
  assertOption(isInstance, 'db', 'a Kysely instance, and not a transaction', options.db)
  const { services, logger = silentLogger, clock = systemClock } = options
  if (services !== undefined) assertOption.methods('services', services, ['createScope'])
  const settings = {
    db: options.db,
    services,
    logger: guardLogger(assertOption.methods('logger', logger, LOGGER_METHODS)),
    clock: assertOption.methods('clock', clock, ['now', 'schedule']),
    tablePrefix: options.tablePrefix ?? DEFAULT_TABLE_PREFIX,
    schema: options.schema,
    maxDataBytes: assertOption.integer('maxDataBytes', options.maxDataBytes ?? 262_144, 0),
    leaseMs: assertOption.integer('leaseMs', options.leaseMs ?? 6_000, 100),
    pollMinMs: assertOption.integer('pollMinMs', options.pollMinMs ?? 5, 1),
    pollMaxMs: assertOption.integer('pollMaxMs', options.pollMaxMs ?? 1_000, options.pollMinMs ?? 5),
    retention: resolveRetention(options.retention),
    ...resolvePostgres(options.postgres),
    databaseTimeoutMs: assertOption.integer('databaseTimeoutMs', options.databaseTimeoutMs ?? 5_000, 100),
    stopTimeoutMs: assertOption.integer('stopTimeoutMs', options.stopTimeoutMs ?? 10_000, 0),
  }
  return Object.freeze(settings)
}

function resolvePostgres(
  postgres: PostgresOptions | undefined,
): Pick<EventEngineSettings<unknown>, 'pool' | 'listenPool' | 'isPoolOfOne'> {
  if (postgres === undefined) return { pool: undefined, listenPool: undefined, isPoolOfOne: false }
  const { pool, listen } = assertOption.fields('postgres', postgres, POSTGRES)
  assertPool('postgres.pool', pool)
  const isPoolOfOne = listen === undefined && pool.options?.max === 1
  if (listen !== undefined && listen !== false) assertPool('postgres.listen', listen)
  return { pool, listenPool: isPoolOfOne || listen === false ? undefined : (listen ?? pool), isPoolOfOne }
}

function assertPool(name: string, pool: PostgresPool | undefined): void {
  assertOption(typeof pool?.connect === 'function', name, 'a pg.Pool, or an object with its connect()', pool)
}

function resolveRetention(retention: RetentionOptions | false | undefined): RetentionSettings | undefined {
  if (retention === false) return undefined
  const {
    keepMs = 7 * DAY_MS,
    abandonedAfterMs = 30 * DAY_MS,
    intervalMs = 60_000,
  } = assertOption.fields('retention', retention, RETENTION)
  return {
    keepMs: assertOption.integer('retention.keepMs', keepMs, 0, LONGEST_KEPT_MS),
    abandonedAfterMs: assertOption.integer(
      'retention.abandonedAfterMs',
      abandonedAfterMs,
      0,
      LONGEST_KEPT_MS,
    ),
    intervalMs: assertOption.integer('retention.intervalMs', intervalMs, 1),
  }
}
