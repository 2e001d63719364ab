import { type Assertion, type FieldNames, systemClock } from '@x/events-core'
import { assertClock, createArgumentAssertion, createOptionAssertion } from './assert.ts'
import { databaseMessage, isConflict, isMissingKey, isMissingTable } from './database-errors.ts'
import { ReceiverError } from './errors.ts'
import type { Inbox, InboxPurgeOptions, PostgresInboxOptions } from './inbox.ts'
import { DEFAULT_INBOX_TABLE, type InboxDialect, quotedTable } from './inbox-table.ts'
import { isPromise } from './is-promise.ts'
import { checkScope } from './replay-times.ts'
import type { SequenceMark, SequenceStore } from './sequence-store.ts'

/** A statement of constant text. It gives back rows: of those that write, one for each that was inserted or deleted. */
export interface InboxStatement {
  readonly text: string
  readonly parameters: readonly (string | number)[]
}

/** What an inbox needs of the library that holds the transactions. */
export interface InboxLibrary<TTrx> {
  /** What messages call the inbox: `kyselyInbox`. */
  readonly name: string
  readonly dialect: InboxDialect
  /**
   * Runs the mark's statement and then the work in one transaction, and commits.
   *
   * @returns false when the mark inserted no row; the work then did not run.
   */
  transaction(mark: InboxStatement, work: (trx: TTrx) => unknown): Promise<boolean>
  /** Runs a statement in a transaction of its own, and gives its rows. */
  run(statement: InboxStatement): Promise<readonly unknown[]>
}

const DAY_MS = 24 * 3_600_000
const DEFAULT_RETENTION_DAYS = 30
// The schedule of Standard Webhooks ends after 75.6 hours: a mark that leaves before lets the last attempts in again.
const MIN_RETENTION_DAYS = 4
const MAX_RETENTION_DAYS = 36_500
/** When a place was received: no purge reaches it. */
const NEVER_OLD = 8_640_000_000_000_000
const PURGE_INTERVAL_MS = 600_000
const PURGE_BATCH = 1_000
/** How soon a batch that was full is followed by another. */
const PURGE_AGAIN_MS = 1_000

const ISOLATION_LEVELS = ['read committed', 'repeatable read', 'serializable'] as const

const PURGE_NAMES: FieldNames<InboxPurgeOptions> = { olderThanDays: true }

const MAX_TRIES = 5
const MAX_PAUSE_MS = 50
// A busy SQLite file blocks for its time-out in each try, so that the time is limited, too.
const MAX_RETRYING_MS = 5_000

function statementsOf(dialect: InboxDialect, table: string) {
  const [$1, $2, $3, $4, $5, $6, $7] = [1, 2, 3, 4, 5, 6, 7].map((number) =>
    dialect === 'postgres' ? `$${number}` : '?',
  )
  // Of an endpoint that is followed, what is after the place is needed to find the next one.
  const isPassed = `(m.endpoint is null or m.sequence <= (select p.sequence from ${table} p where p.scope = m.scope and p.id = '.' || m.endpoint))`
  // Several processes may purge at once: none waits for another's batch.
  const locked = dialect === 'postgres' ? ' for update of m skip locked' : ''
  return {
    // PostgreSQL lets a copy wait here for the transaction that holds the same mark.
    mark: `insert into ${table} (scope, id, received_at) values (${$1}, ${$2}, ${$3}) on conflict (scope, id) do nothing returning id`,
    numberedMark: `insert into ${table} (scope, id, received_at, endpoint, sequence, chain, digest) values (${$1}, ${$2}, ${$3}, ${$4}, ${$5}, ${$6}, ${$7}) on conflict (scope, id) do nothing returning id`,
    purge: `delete from ${table} where scope = ${$1} and id in (select m.id from ${table} m where m.scope = ${$2} and m.received_at < ${$3} and ${isPassed} order by m.received_at limit ${PURGE_BATCH}${locked}) returning id`,
    place: `select sequence, chain from ${table} where scope = ${$1} and id = ${$2}`,
    savePlace: `insert into ${table} as p (scope, id, received_at, sequence, chain) values (${$1}, ${$2}, ${$3}, ${$4}, ${$5}) on conflict (scope, id) do update set sequence = excluded.sequence, chain = excluded.chain where p.sequence < excluded.sequence returning id`,
    number: `update ${table} set endpoint = ${$1}, sequence = ${$2}, chain = ${$3}, digest = ${$4} where scope = ${$5} and id = ${$6} and endpoint is null returning id`,
    marks: `select id, sequence, chain, digest from ${table} where scope = ${$1} and endpoint = ${$2} and sequence > ${$3} order by sequence, id limit ${$4}`,
  }
}

function checkDays(assert: Assertion, name: string, days: number): number {
  const fits = Number.isFinite(days) && days >= MIN_RETENTION_DAYS && days <= MAX_RETENTION_DAYS
  const expected = `a number of days from ${MIN_RETENTION_DAYS} to ${MAX_RETENTION_DAYS}, since a sender of Standard Webhooks tries for 75.6 hours`
  assert(fits, name, expected, days)
  return days
}

/**
 * Checks the options that every inbox has; what makes one calls it before it looks at any.
 *
 * @throws EventsError (`invalid_argument`), naming the option.
 */
export function assertInboxOptions<TOptions extends PostgresInboxOptions>(
  caller: string,
  options: TOptions,
  known: FieldNames<TOptions>,
): void {
  const assert: Assertion = createOptionAssertion(caller)
  assert.fields('', options, known)
  const { retentionDays = DEFAULT_RETENTION_DAYS, scope = 'default', isolationLevel, clock } = options
  checkScope(assert, scope)
  checkDays(assert, 'retentionDays', retentionDays)
  if (isolationLevel !== undefined) assert.oneOf('isolationLevel', isolationLevel, ISOLATION_LEVELS)
  assertClock(assert, clock)
}

function unavailable(caller: string, id: string, error: unknown): ReceiverError {
  const advice = isMissingTable(error)
    ? ' Create its table in a migration: createInboxTable(...), or the SQL of inboxTableSql(...).'
    : isMissingKey(error)
      ? ' Its table needs the primary key (scope, id), as createInboxTable(...) and inboxTableSql(...) create it.'
      : ''
  const message = `${caller}: the database did not take message ${id}: ${databaseMessage(error)}.${advice}`
  return new ReceiverError('inbox_unavailable', message, { cause: error })
}

/** What is thrown where a handler has caught the error of a statement, by which PostgreSQL ended the transaction. */
export function abortedTransaction(cause?: unknown): ReceiverError {
  return new ReceiverError(
    'handlers_failed',
    'A handler went on after one of its statements had failed, so PostgreSQL has rolled back all of its work. Let the error through, or run what may fail in a savepoint.',
    { cause },
  )
}

/** Refuses work that goes on after a synchronous transaction. */
export function mustBeDone(caller: string, result: unknown): void {
  if (!isPromise(result)) return
  result.then(undefined, () => {}) // nobody will wait for it
  throw new ReceiverError(
    'handlers_failed',
    `${caller}: a handler returned a promise, but transactions of this driver are synchronous. Write handlers without async and await; better-sqlite3 answers at once.`,
  )
}

async function repeatConflicts<TResult>(work: () => Promise<TResult>): Promise<TResult> {
  const start = Date.now()
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === MAX_TRIES || !isConflict(error) || Date.now() - start > MAX_RETRYING_MS) throw error
      const pauseMs = Math.random() * Math.min(MAX_PAUSE_MS, 2 ** (tries + 2))
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

/** Builds an inbox on a library's transactions, with options that {@link assertInboxOptions} has checked. */
export function createInbox<TTrx>(library: InboxLibrary<TTrx>, options: PostgresInboxOptions): Inbox<TTrx> {
  const { name: caller, dialect } = library
  const { clock = systemClock, scope = 'default', retentionDays = DEFAULT_RETENTION_DAYS } = options
  const statements = statementsOf(dialect, quotedTable(caller, options.table ?? DEFAULT_INBOX_TABLE))

  /** Copies in this process wait here, instead of each holding a connection. Each promise tells whether it committed. */
  const inWork = new Map<string, Promise<boolean>>()
  let nextPurge = clock.now() + PURGE_INTERVAL_MS

  async function handle(
    id: string,
    work: (trx: TTrx) => unknown,
    mark: SequenceMark | undefined,
  ): Promise<boolean> {
    let failure: { readonly error: unknown } | undefined
    const observed = (trx: TTrx): unknown => {
      failure = undefined
      const failed = (error: unknown): never => {
        failure = { error }
        throw error
      }
      try {
        const result = work(trx)
        return isPromise(result) ? result.then(undefined, failed) : result
      } catch (error) {
        return failed(error)
      }
    }
    try {
      return await repeatConflicts(() => {
        failure = undefined
        return library.transaction(markOf(id, mark), observed)
      })
    } catch (error) {
      // What a handler threw comes back as it was, even where the library has wrapped it, or could not roll back.
      if (failure) throw failure.error
      throw ReceiverError.is(error) ? error : unavailable(caller, id, error)
    }
  }

  function markOf(id: string, mark: SequenceMark | undefined): InboxStatement {
    const parameters = [scope, id, clock.now()]
    if (!mark) return { text: statements.mark, parameters }
    const { endpoint, sequence, chain, digest } = mark
    return { text: statements.numberedMark, parameters: [...parameters, endpoint, sequence, chain, digest] }
  }

  // Drivers give numbers in ways of their own: as BigInt, or as text. No id of a message has a full stop.
  const sequences: SequenceStore = {
    async place(endpoint) {
      const [row] = await library.run({ text: statements.place, parameters: [scope, `.${endpoint}`] })
      if (!row) return undefined
      const { sequence, chain } = row as Record<string, unknown>
      return { sequence: Number(sequence), chain: String(chain) }
    },
    async savePlace(endpoint, { sequence, chain }) {
      const parameters = [scope, `.${endpoint}`, NEVER_OLD, sequence, chain]
      await library.run({ text: statements.savePlace, parameters })
    },
    async add({ id, endpoint, sequence, chain, digest }) {
      const parameters = [endpoint, sequence, chain, digest, scope, id]
      await library.run({ text: statements.number, parameters })
    },
    async marks(endpoint, after, limit) {
      const parameters = [scope, endpoint, after, limit]
      const rows = await library.run({ text: statements.marks, parameters })
      return (rows as readonly Record<string, unknown>[]).map(({ id, sequence, chain, digest }) => ({
        endpoint,
        sequence: Number(sequence),
        chain: String(chain),
        id: String(id),
        digest: String(digest),
      }))
    },
  }

  async function deleteBatch(days: number): Promise<number> {
    const parameters = [scope, scope, clock.now() - days * DAY_MS]
    // PostgreSQL's text repeats no parameter; both take them in order.
    return (await library.run({ text: statements.purge, parameters })).length
  }

  return {
    sequences,
    async receive(id, work, mark) {
      for (let other = inWork.get(id); other; other = inWork.get(id)) {
        if (await other) return 'duplicate'
      }
      const handling = handle(id, work, mark)
      inWork.set(
        id,
        handling.then(
          () => true,
          () => false,
        ),
      )
      try {
        return (await handling) ? 'handled' : 'duplicate'
      } finally {
        inWork.delete(id)
      }
    },
    async purge(which: InboxPurgeOptions = {}) {
      const assert: Assertion = createArgumentAssertion(`${caller}.purge`)
      const { olderThanDays = retentionDays } = assert.fields('', which, PURGE_NAMES)
      const days = checkDays(assert, 'olderThanDays', olderThanDays)
      let total = 0
      for (;;) {
        const deleted = await deleteBatch(days)
        total += deleted
        if (deleted < PURGE_BATCH) return total
        // SQLite answers at once: let others in between.
        await new Promise((resolve) => setTimeout(resolve, 0))
      }
    },
    async maintain() {
      const now = clock.now()
      // A clock that was set back does not put it off for longer.
      if (now < nextPurge && nextPurge <= now + PURGE_INTERVAL_MS) return
      nextPurge = now + PURGE_INTERVAL_MS
      const deleted = await deleteBatch(retentionDays)
      if (deleted === PURGE_BATCH) nextPurge = now + PURGE_AGAIN_MS
    },
  }
}
