import { flag, integer, type RowOf, text } from '../sql/columns.ts'
import { readRows, type SqlExecutor } from '../sql/database.ts'

/** What a capture needs to know of a table. */
export interface SqliteTable {
  readonly name: string
  /** In the table's order; upper-case types, empty where none was declared. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Undefined for a table WITHOUT ROWID. */
  readonly rowid: string | undefined
  readonly primaryKey: readonly string[]
  /** What must be unique, the rowid apart; without partial indexes and those on expressions. */
  readonly uniqueKeys: readonly (readonly KeyColumn[])[]
}

const keyColumns = { index: text, name: text, collation: text }
type KeyColumn = Pick<RowOf<typeof keyColumns>, 'name' | 'collation'>

/** Reads a table of the main database; undefined where there is no such ordinary table. */
export async function readSqliteTable(db: SqlExecutor, name: string): Promise<SqliteTable | undefined> {
  const [table] = await readRows(
    db,
    { wr: flag },
    "select wr from pragma_table_list where schema = 'main' and type = 'table' and name = ?",
    [name],
  )
  if (!table) return undefined
  const columns = await readRows(
    db,
    { name: text, type: text, pk: integer },
    'select name, upper(type) as type, pk from pragma_table_xinfo(?) where hidden <> 1 order by cid',
    [name],
  )
  const ofKeys = await readRows(
    db,
    keyColumns,
    `select i.name as "index", x.name as name, x.coll as collation
      from pragma_index_list(?) i join pragma_index_xinfo(i.name) x
      where i."unique" = 1 and i.partial = 0 and x.key = 1
        and not exists (select 1 from pragma_index_xinfo(i.name) e where e.key = 1 and e.name is null)
      order by i.seq, x.seqno`,
    [name],
  )
  const taken = new Set(columns.map((column) => column.name.toLowerCase()))
  const keys = Map.groupBy(ofKeys, ({ index }) => index).values()
  return {
    name,
    columns,
    rowid: table.wr ? undefined : ['rowid', '_rowid_', 'oid'].find((alias) => !taken.has(alias)),
    primaryKey: columns.filter(({ pk }) => pk > 0).map((column) => column.name),
    uniqueKeys: [...keys],
  }
}
