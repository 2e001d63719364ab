import { integer, nullable } from './columns.ts'
import { readRows, runStatement, type SqlExecutor } from './database.ts'
import { callWithMembers, namesOf, onConflict, positional, type SqlDialect, updateFrom } from './dialect.ts'

const findTable = (name: string) => `select name from sqlite_schema where type = 'table' and name = '${name}'`

async function drawKeys(trx: SqlExecutor, table: string, count: number): Promise<number> {
  const [row] = await readRows(
    trx,
    { last: nullable(integer) },
    'select max(seq) as last from sqlite_sequence where name = ?',
    [table],
  )
  const last = row?.last ?? null
  const note =
    last === null
      ? 'insert into sqlite_sequence (seq, name) values (?, ?)'
      : 'update sqlite_sequence set seq = ? where name = ?'
  await runStatement(trx, note, [(last ?? 0) + count, table])
  return last ?? 0
}

/** The SQL of SQLite: a file with one writer at a time, and no statistics but those that a host makes. */
export const sqlite: SqlDialect = {
  name: 'sqlite',
  title: 'SQLite',
  isLocal: true,
  hasWritingQueries: false,
  hasLateral: false,
  beginsAsReader: true,
  hasIsolationLevels: false,
  hasNotify: false,
  leavesDeletedData: true,
  statement: positional,
  records(columns) {
    const names = namesOf(columns)
    const values = names.map((name, index) => `value ->> ${index} as ${name}`).join(', ')
    const table = (parameter: string, alias: string) =>
      `(select ${values} from json_each(${parameter})) as ${alias}`
    return {
      table,
      orderedTable: table,
      // Lists, since a member is found faster by its index than by its name.
      encode: (records) => JSON.stringify(records.map((record) => names.map((name) => record[name]))),
    }
  },
  isListed: (value, parameter) => `${value} in (select value from json_each(${parameter}))`,
  isNotListed: (value, parameter) => `${value} not in (select value from json_each(${parameter}))`,
  list: (parameter, alias) => `json_each(${parameter}) as ${alias}`,
  isChosen: (value, query) => `${value} in (${query})`,
  indexedBy: (index) => ` indexed by ${index}`,
  lock: () => '',
  limitsIdle: 'true',
  limitsIdleTo: () => 'true',
  now: (parameter) => parameter,
  clock: `unixepoch('subsec') * 1000`,
  // Older versions have no octet_length().
  byteLength: (text) => `length(cast(${text} as blob))`,
  isShort: (json, bytes) => `length(cast(${json} as blob)) <= ${bytes}`,
  // Its own min() and max() are null when any of the values is.
  least: (left, right) => `min(coalesce(${left}, ${right}), coalesce(${right}, ${left}))`,
  greatest: (left, right) => `max(coalesce(${left}, ${right}), coalesce(${right}, ${left}))`,
  differs: (left, right) => `${left} is not ${right}`,
  cast: (value, type) => `cast(${value} as ${type === 'text' ? 'text' : 'integer'})`,
  typed: (parameter) => parameter,
  time: (milliseconds) => milliseconds,
  milliseconds: (time) => time,
  json: (text) => text,
  jsonText: (json) => json,
  jsonNumber: (text, member) => `cast(${text} ->> '${member}' as integer)`,
  jsonObject: (members) => callWithMembers('json_object', members),
  upsert: onConflict,
  proposed: (column) => `excluded.${column}`,
  update: updateFrom,
  // What a column is declared as matters little: a whole number takes as many bytes as it needs.
  types: { integer: 'bigint', text: 'text', flag: 'boolean', time: 'integer', json: 'text' },
  wholeKey: 'integer primary key',
  drawnKey: 'integer primary key autoincrement',
  keepsGivenKeys: '',
  lastKey: (table) => `coalesce((select max(seq) from sqlite_sequence where name = '${table}'), 0)`,
  keys: { draw: drawKeys },
  valuesTable(columns, size, first, alias) {
    const rowOf = (row: number) => columns.map((_, index) => `$${first + row * columns.length + index}`)
    const rows = Array.from({ length: size }, (_, row) => `(${rowOf(row).join(', ')})`).join(', ')
    const named = columns.map((name, index) => `column${index + 1} as ${name}`).join(', ')
    return `(select ${named} from (values ${rows}) where column1 is not null) as ${alias}`
  },
  findTable,
  findTableIn: (_, name) => findTable(name),
  findReadOnly: undefined,
  lockName: undefined,
  indexesEndWithKey: true,
  defineFunction: undefined,
  tableOptions: ({ isClustered }) => (isClustered ? ' without rowid' : ''),
}
