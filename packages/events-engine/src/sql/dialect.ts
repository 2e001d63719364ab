import type { Dialect, Parameter, SqlExecutor, Statement } from './database.ts'

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
  /** SQL: the same, in the order in which they were given; to be named in a `from`. */
  orderedTable(parameter: string, alias: string): string
  /** The parameter. What is undefined is null. */
  encode(records: readonly Readonly<Record<TName, Parameter | boolean | undefined>>[]): string
}

/** How keys that a table draws by itself (`drawnKey`) are drawn for the rows of another table. */
export type KeyDrawing =
  /** SQL: the next key of a table. */
  | { readonly next: (table: string, column: string) => string }
  /**
   * Draws many, in a transaction that is the only one to write.
   *
   * @returns the key before them; they follow it one by one.
   */
  | { readonly draw: (trx: SqlExecutor, table: string, count: number) => Promise<number> }

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

/** A function of the database's own. */
export interface FunctionDefinition {
  readonly name: string
  readonly parameters: readonly SqlType[]
  /** SQL: the columns of its rows, with their types. */
  readonly returns: string
  /** Statements, in the language that the database has for them; parameters are written `$1`, `$2`, ... */
  readonly body: string
}

/** How the rows of a table lie. A dialect may ignore it. */
export interface TableOptions {
  /** In the order of the key, which is no number or has several columns. */
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
  /** As people call it. */
  readonly title: string
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
  /** Whether a transaction begins without the write lock, and may be refused its first write once it has read. */
  readonly beginsAsReader: boolean
  /** Whether transactions have levels of isolation to choose from. */
  readonly hasIsolationLevels: boolean
  /** Whether sessions can send each other messages: LISTEN, NOTIFY. */
  readonly hasNotify: boolean
  /** Whether deleted data can be read from the file until something else takes its place. */
  readonly leavesDeletedData: boolean
  /**
   * Compiles a text whose parameters are written `$1`, `$2`, ..., in any order and as often as needed. Those that this
   * dialect's text does not use are left out.
   */
  statement(text: string): Statement
  records<TName extends string>(columns: Readonly<Record<TName, SqlType>>): RecordList<TName>
  /** SQL: whether a value is one of a parameter's, a JSON list. */
  isListed(value: string, parameter: string, type?: 'integer' | 'text'): string
  isNotListed(value: string, parameter: string, type?: 'integer' | 'text'): string
  /** SQL: a table of a parameter's values, a JSON list, to be named in a `from`. Its column is `value`. */
  list(parameter: string, alias: string, type?: 'integer' | 'text'): string
  /** SQL: whether a value is one of a query's, which is run once, before. */
  isChosen(value: string, query: string): string
  /**
   * SQL, after a table in a `from`: by which index to read it. Empty where the planner has statistics of the table: one without
   * would take any index that fits.
   */
  indexedBy(index: string): string
  /** SQL: a locking clause; empty where there is one writer at a time. */
  lock(clause: string): string
  /**
   * SQL: a condition that is true. It limits how long the transaction may idle: a node that froze in its midst would keep
   * what it has locked from all others. Belongs into the first statement of a transaction that locks.
   */
  readonly limitsIdle: string
  /** SQL: the same, to a parameter's milliseconds, as text. A limit that the host has set stays. */
  limitsIdleTo(parameter: string): string
  /**
   * SQL: the time in milliseconds: the database's own, as the transaction began, or the parameter where the processes share the
   * machine's clock.
   */
  now(parameter: string): string
  /** SQL: the database's own time at this moment, with fractions, however long ago the transaction began. */
  readonly clock: string
  /** SQL: the smaller of two values; where one is null, the other. */
  least(left: string, right: string): string
  /** SQL: the larger of two values; where one is null, the other. */
  greatest(left: string, right: string): string
  /** SQL: whether two values differ, where null equals null. */
  differs(left: string, right: string): string
  /** SQL: how many bytes a text takes. */
  byteLength(text: string): string
  /** SQL: whether JSON takes at most so many bytes; found out without reading it whole, where the database can. */
  isShort(json: string, bytes: number): string
  cast(value: string, type: SqlType): string
  /** SQL: a parameter whose type a database cannot infer from its place. */
  typed(parameter: string, type: SqlType): string
  /** SQL: a value of a column of `types.time`, of milliseconds since 1970. */
  time(milliseconds: string): string
  /** SQL: the milliseconds of such a value. */
  milliseconds(time: string): string
  /** SQL: a value of a column of `types.json`, of its text. */
  json(text: string): string
  /** SQL: the text of such a value. */
  jsonText(json: string): string
  /** SQL: a number that is a member of the JSON object in a text. */
  jsonNumber(text: string, member: string): string
  /** SQL: the text of a JSON object, of names and SQL values. */
  jsonObject(members: Readonly<Record<string, string>>): string
  upsert(upsert: Upsert): string
  /** SQL: in {@link Upsert}, the value that the insert was to write. */
  proposed(column: string): string
  update(update: UpdateFrom): string
  /** SQL: the types of columns, in a table's definition. */
  readonly types: Readonly<Record<SqlType | 'time' | 'json', string>>
  /** SQL: a whole number that is the key of its table by itself. */
  readonly wholeKey: string
  /** SQL: the same, whose values the database draws: they ascend, and none is drawn twice. */
  readonly drawnKey: string
  /** SQL, between the columns of an insert and its query, whose rows have values for a `drawnKey`. */
  readonly keepsGivenKeys: string
  /** SQL: the greatest key that a `drawnKey` has drawn, deleted or not; 0 before the first. */
  lastKey(table: string, column: string): string
  readonly keys: KeyDrawing
  /**
   * SQL: a table of rows, of one parameter for each value, to be named in a `from`. Rows whose first value is null are left
   * out. Undefined where one JSON parameter is as fast for long texts.
   *
   * @param first - the number of the first parameter.
   */
  readonly valuesTable:
    | ((columns: readonly string[], size: number, first: number, alias: string) => string)
    | undefined
  /** SQL: a query that has a row where statements find a table under a name, with its schema or without. */
  findTable(name: string): string
  /** SQL: the same where a schema has the table; undefined for the one in which tables are created. */
  findTableIn(schema: string | undefined, name: string): string
  /** SQL: a query that has a row where transactions may only read; undefined where a database cannot tell. */
  readonly findReadOnly: string | undefined
  /** SQL: locks a name, `$1`, until the transaction ends; undefined where one transaction at a time writes. */
  readonly lockName: string | undefined
  /** Whether each index of a clustered table ends with the key by itself. */
  readonly indexesEndWithKey: boolean
  /**
   * SQL: defines a function each of whose statements sees what was committed before it began, and is planned once for a
   * session. Undefined where a database has none, or a round trip costs nothing.
   */
  readonly defineFunction: ((definition: FunctionDefinition) => string) | undefined
  /** SQL: the end of a table's definition. */
  tableOptions(options: TableOptions): string
}

/** The names of columns, in their order. */
export const namesOf = <TName extends string>(columns: Readonly<Record<TName, SqlType>>): TName[] =>
  Object.keys(columns) as TName[]

const membersOf = (members: Readonly<Record<string, string>>) =>
  Object.entries(members)
    .map(([name, value]) => `'${name}', ${value}`)
    .join(', ')

/** SQL: calls a function that takes names and values in turn. */
export const callWithMembers = (name: string, members: Readonly<Record<string, string>>): string =>
  `${name}(${membersOf(members)})`

/** {@link SqlDialect.update} where an update has a `from`. */
export const updateFrom = ({ table, alias, set, from, where }: UpdateFrom): string =>
  `update ${table} as ${alias} set ${set} from ${from} where ${where}`

/** {@link SqlDialect.upsert} where an insert has an `on conflict`. */
export function onConflict({ key, set, where }: Upsert): string {
  if (set === undefined) return ` on conflict (${key}) do nothing`
  return ` on conflict (${key}) do update set ${set}${where === undefined ? '' : ` where ${where}`}`
}

const PLACEHOLDER = /\$(\d+)/g

/** Parameters by position: one `?` for each place where one is used. */
export function positional(text: string): Statement {
  const order: number[] = []
  const positionalText = text.replaceAll(PLACEHOLDER, (_, number: string) => {
    order.push(Number(number) - 1)
    return '?'
  })
  return { text: positionalText, order }
}

/** Parameters by number: those that are used, without gaps, since a number without a use has no type. */
export function numbered(text: string): Statement {
  const order: number[] = []
  const numberedText = text.replaceAll(PLACEHOLDER, (_, number: string) => {
    const index = Number(number) - 1
    if (!order.includes(index)) order.push(index)
    return `$${order.indexOf(index) + 1}`
  })
  return { text: numberedText, order }
}
