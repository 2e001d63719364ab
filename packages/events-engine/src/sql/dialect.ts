import type { Dialect, Parameter, Statement } from './database.ts'

/** How a column of a record, or a cast value, is stored. */
export type SqlType = 'integer' | 'text' | 'flag'

/** A list of records that a statement takes as one parameter, so that its text is the same for any number of them. */
export interface RecordList<TName extends string> {
  /**
   * SQL: a table of the records, to be named in a `from`.
   *
   * @param parameter - the placeholder, `$1`.
   */
  table(parameter: string, alias: string): string
  /** The parameter. */
  encode(records: readonly Readonly<Record<TName, Parameter | boolean>>[]): string
}

/** How the end of an `insert ... select ... where ...` treats rows that exist. */
export interface Upsert {
  /** The columns of the key, separated by commas. */
  readonly key: string
  /** What to set; nothing where existing rows stay as they are. */
  readonly set?: string
  /** Rows for which this is false need no write. A dialect may write them all the same. */
  readonly where?: string
}

/** An update with values of another table. Columns in `set` are named without the alias, those they are set to with it. */
export interface UpdateFrom {
  readonly table: string
  readonly alias: string
  readonly set: string
  readonly from: string
  readonly where: string
}

/** How the rows of a table lie. A dialect may ignore it. */
export interface TableOptions {
  /** In the order of the key, which has several columns. */
  readonly isClustered?: boolean
  /** How many percent of a page new rows fill, so that there is room beside them for what is changed soon. */
  readonly fillPercent?: number
}

/**
 * What differs between databases in statements that are written once. Texts are composed of these parts when a store
 * is opened, and never again, so that each is compiled once.
 *
 * A text may rely on what all of them have: `returning`, `true` and `false`, `coalesce`, `case`, recursive common table
 * expressions, comparisons of rows, `cast(... as text)`.
 */
export interface SqlDialect {
  readonly name: Dialect
  /**
   * Whether the database is a file of one machine: its processes write one after the other, share the machine's clock,
   * which may be set back, and can tell which of their neighbours are dead. A write that finds nothing to do
   * waits for its turn all the same, so it is worth looking first.
   */
  readonly isLocal: boolean
  /** Whether a query may hold statements that write: what belongs together then takes one round trip. */
  readonly hasWritingQueries: boolean
  /** Whether a `from` may hold subqueries about the tables before them (`lateral`). */
  readonly hasLateral: boolean
  /**
   * Compiles a text whose parameters are written `$1`, `$2`, ..., in any order and as often as needed. Those that this
   * dialect's text does not use are left out.
   */
  statement(text: string): Statement
  records<TName extends string>(columns: Readonly<Record<TName, SqlType>>): RecordList<TName>
  /** SQL: whether a value is one of a parameter's, a JSON list. */
  isListed(value: string, parameter: string, type?: 'integer' | 'text'): string
  isNotListed(value: string, parameter: string, type?: 'integer' | 'text'): string
  /** SQL: whether a value is one of a query's, which is run once, before. */
  isChosen(value: string, query: string): string
  /** SQL: a locking clause; empty where there is one writer at a time. */
  lock(clause: string): string
  /**
   * SQL: a condition that is true. It limits how long the transaction may idle: a node that froze in its midst would keep
   * what it has locked from all others. Belongs into the first statement of a transaction that locks.
   */
  readonly limitsIdle: string
  /** SQL: the time in milliseconds: the database's own, or the parameter where the processes share the machine's clock. */
  now(parameter: string): string
  /** SQL: the smaller of two values; where one is null, the other. */
  least(left: string, right: string): string
  /** SQL: the larger of two values; where one is null, the other. */
  greatest(left: string, right: string): string
  /** SQL: whether two values differ, where null equals null. */
  differs(left: string, right: string): string
  cast(value: string, type: SqlType): string
  /** SQL: the text of a JSON object, of names and SQL values. */
  jsonObject(members: Readonly<Record<string, string>>): string
  upsert(upsert: Upsert): string
  /** SQL: in {@link Upsert}, the value that the insert was to write. */
  proposed(column: string): string
  update(update: UpdateFrom): string
  /** SQL: the types of columns, in a table's definition. */
  readonly types: Readonly<Record<SqlType, string>>
  /** SQL: a whole number that is the key of its table by itself. */
  readonly wholeKey: string
  /** SQL: the same, whose values the database draws: they ascend, and none is drawn twice. */
  readonly drawnKey: string
  /** SQL: the end of a table's definition. */
  tableOptions(options: TableOptions): string
}

const IDLE_MS = 3_000

const namesOf = <TName extends string>(columns: Readonly<Record<TName, SqlType>>) =>
  Object.keys(columns) as TName[]

const membersOf = (members: Readonly<Record<string, string>>) =>
  Object.entries(members)
    .map(([name, value]) => `'${name}', ${value}`)
    .join(', ')

const updateFrom = ({ table, alias, set, from, where }: UpdateFrom) =>
  `update ${table} as ${alias} set ${set} from ${from} where ${where}`

function onConflict({ key, set, where }: Upsert): string {
  if (set === undefined) return ` on conflict (${key}) do nothing`
  return ` on conflict (${key}) do update set ${set}${where === undefined ? '' : ` where ${where}`}`
}

const PLACEHOLDER = /\$(\d+)/g

/** Parameters by position: one `?` for each place where one is used. */
function positional(text: string): Statement {
  const order: number[] = []
  const positionalText = text.replaceAll(PLACEHOLDER, (_, number: string) => {
    order.push(Number(number) - 1)
    return '?'
  })
  return { text: positionalText, order }
}

/** Parameters by number: those that are used, without gaps, since a number without a use has no type. */
function numbered(text: string): Statement {
  const order: number[] = []
  const numberedText = text.replaceAll(PLACEHOLDER, (_, number: string) => {
    const index = Number(number) - 1
    if (!order.includes(index)) order.push(index)
    return `$${order.indexOf(index) + 1}`
  })
  return { text: numberedText, order }
}

const sqlite: SqlDialect = {
  name: 'sqlite',
  isLocal: true,
  hasWritingQueries: false,
  hasLateral: false,
  statement: positional,
  records(columns) {
    const names = namesOf(columns)
    const values = names.map((name, index) => `value ->> ${index} as ${name}`).join(', ')
    return {
      table: (parameter, alias) => `(select ${values} from json_each(${parameter})) as ${alias}`,
      // Lists, since a member is found faster by its index than by its name.
      encode: (records) => JSON.stringify(records.map((record) => names.map((name) => record[name]))),
    }
  },
  isListed: (value, parameter) => `${value} in (select value from json_each(${parameter}))`,
  isNotListed: (value, parameter) => `${value} not in (select value from json_each(${parameter}))`,
  isChosen: (value, query) => `${value} in (${query})`,
  lock: () => '',
  limitsIdle: 'true',
  now: (parameter) => parameter,
  // Its own min() and max() are null when any of the values is.
  least: (left, right) => `min(coalesce(${left}, ${right}), coalesce(${right}, ${left}))`,
  greatest: (left, right) => `max(coalesce(${left}, ${right}), coalesce(${right}, ${left}))`,
  differs: (left, right) => `${left} is not ${right}`,
  cast: (value, type) => `cast(${value} as ${type === 'text' ? 'text' : 'integer'})`,
  jsonObject: (members) => `json_object(${membersOf(members)})`,
  upsert: onConflict,
  proposed: (column) => `excluded.${column}`,
  update: updateFrom,
  // What a column is declared as matters little: a whole number takes as many bytes as it needs.
  types: { integer: 'bigint', text: 'text', flag: 'boolean' },
  wholeKey: 'integer primary key',
  drawnKey: 'integer primary key autoincrement',
  tableOptions: ({ isClustered }) => (isClustered ? ' without rowid' : ''),
}

const POSTGRES_TYPES: Readonly<Record<SqlType, string>> = { integer: 'bigint', text: 'text', flag: 'boolean' }

// As an array: with a query in its place, the planner may read the whole table where it has no statistics of it.
const listedArray = (parameter: string, type: 'integer' | 'text') =>
  `(array(select listed::${POSTGRES_TYPES[type]} from json_array_elements_text(${parameter}::text::json) listed))`

const postgres: SqlDialect = {
  name: 'postgres',
  isLocal: false,
  hasWritingQueries: true,
  hasLateral: true,
  statement: numbered,
  records(columns) {
    const types = namesOf(columns).map((name) => `${name} ${POSTGRES_TYPES[columns[name]]}`)
    return {
      table: (parameter, alias) =>
        `json_to_recordset(${parameter}::text::json) as ${alias}(${types.join(', ')})`,
      encode: (records) => JSON.stringify(records),
    }
  },
  isListed: (value, parameter, type = 'integer') => `${value} = any${listedArray(parameter, type)}`,
  isNotListed: (value, parameter, type = 'integer') => `${value} <> all${listedArray(parameter, type)}`,
  isChosen: (value, query) => `${value} = any(array(${query}))`,
  lock: (clause) => ` ${clause}`,
  limitsIdle: `(select set_config('idle_in_transaction_session_timeout', '${IDLE_MS}', true)) is not null`,
  now: () => '(extract(epoch from now()) * 1000)::bigint',
  least: (left, right) => `least(${left}, ${right})`,
  greatest: (left, right) => `greatest(${left}, ${right})`,
  differs: (left, right) => `${left} is distinct from ${right}`,
  cast: (value, type) => `cast(${value} as ${POSTGRES_TYPES[type]})`,
  jsonObject: (members) => `cast(json_build_object(${membersOf(members)}) as text)`,
  upsert: onConflict,
  proposed: (column) => `excluded.${column}`,
  update: updateFrom,
  types: POSTGRES_TYPES,
  wholeKey: 'bigint primary key',
  drawnKey: 'bigint generated always as identity primary key',
  tableOptions: ({ fillPercent }) =>
    fillPercent === undefined
      ? ''
      : ` with (fillfactor = ${fillPercent}, autovacuum_vacuum_scale_factor = 0.05)`,
}

const DIALECTS: Readonly<Record<Dialect, SqlDialect>> = { sqlite, postgres }

/** The SQL of a database. */
export function sqlDialectOf(name: Dialect): SqlDialect {
  return DIALECTS[name]
}
