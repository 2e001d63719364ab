import { type Assertion, EventsError, type FieldNames, shown } from '@x/events-core'
import { assertFields, createArgumentAssertion } from './assert.ts'

/** The databases that an inbox knows. */
export type InboxDialect = 'sqlite' | 'postgres'

/** What {@link inboxTableSql} takes. */
export interface InboxTableOptions {
  readonly dialect: InboxDialect
  /**
   * The table's name; with its schema where it is not in the search path.
   *
   * @defaultValue 'webhook_inbox'
   */
  readonly table?: string | undefined
}

/** The table of every inbox that names no other. */
export const DEFAULT_INBOX_TABLE = 'webhook_inbox'

/** Without `$`, `?` and `:`, which begin parameters, whatever quotes are around them. */
const NAME = /^[A-Za-z_]\w{0,62}(?:\.[A-Za-z_]\w{0,62})?$/

/** Checks the name of a table, and quotes it: both databases take double quotes. */
export function quotedTable(caller: string, table: string): string {
  if (typeof table !== 'string' || !NAME.test(table)) {
    throw new EventsError(
      'invalid_argument',
      `${caller}: table must be a name of letters, digits and _, perhaps after its schema's; got ${shown(table)}`,
    )
  }
  return table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.')
}

const NAMES: FieldNames<InboxTableOptions> = { dialect: true, table: true }
const assertOption: Assertion = createArgumentAssertion('inboxTableSql')

/** The statements that create the table of an inbox, unless it is there. */
export function inboxTableStatements(
  caller: string,
  { dialect, table = DEFAULT_INBOX_TABLE }: InboxTableOptions,
): string[] {
  const name = quotedTable(caller, table)
  // In SQLite an index is in the schema of its table, and named after it. The rows of a table without rowids lie in
  // its primary key: one page to write instead of two.
  const [schema, bare] = table.includes('.') ? table.split('.') : [undefined, table]
  const index = (of: string) =>
    dialect === 'sqlite' && schema ? `"${schema}"."${bare}_${of}"` : `"${bare}_${of}"`
  const [tail, target] = dialect === 'sqlite' ? [' without rowid', `"${bare}"`] : ['', name]
  return [
    `create table if not exists ${name} (
  scope varchar(100) not null,
  id varchar(256) not null,
  received_at bigint not null,
  endpoint varchar(200),
  sequence bigint,
  chain varchar(44),
  digest varchar(44),
  primary key (scope, id)
)${tail}`,
    `create index if not exists ${index('received_at')} on ${target} (scope, received_at)`,
    `create index if not exists ${index('sequence')} on ${target} (scope, endpoint, sequence) where endpoint is not null`,
  ]
}

/**
 * The SQL that creates the table of an inbox, for a migration: of Prisma, of drizzle-kit, or by hand. It changes nothing
 * where the table is there.
 *
 * @throws EventsError (`invalid_argument`) when an option cannot be used, or the table's name would have to be escaped.
 *
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs'
 * import { inboxTableSql } from '@x/receiver'
 *
 * writeFileSync('migrations/20270105_webhook_inbox.sql', inboxTableSql({ dialect: 'postgres' }))
 * ```
 */
export function inboxTableSql(options: InboxTableOptions): string {
  assertFields(assertOption, options, NAMES)
  assertOption.oneOf('dialect', options.dialect, ['sqlite', 'postgres'])
  return inboxTableStatements('inboxTableSql', options)
    .map((statement) => `${statement};\n`)
    .join('')
}
