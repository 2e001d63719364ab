import { flag, type RowOf, text } from '../sql/columns.ts'
import { readRows, type SqlExecutor } from '../sql/database.ts'

/** What a capture needs to know of a table. */
export interface PostgresTable {
  readonly oid: string
  readonly schema: string
  readonly name: string
  /** In the table's order. */
  readonly columns: readonly PostgresColumn[]
}

const columnColumns = {
  name: text,
  /** Of the values; for a domain, the type that it is made of. */
  type: text,
  /** Computed when it is read, so that a trigger does not see it. */
  isVirtual: flag,
}
type PostgresColumn = RowOf<typeof columnColumns>

/** Reads a table; undefined where there is no such ordinary or partitioned table. */
export async function readPostgresTable(
  db: SqlExecutor,
  schema: string | undefined,
  name: string,
): Promise<PostgresTable | undefined> {
  const [table] = await readRows(
    db,
    { oid: text, schema: text },
    `select c.oid::text as oid, n.nspname::text as schema
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relname = $1::text
        and n.nspname = any (case when $2::text is null then current_schemas(false)::text[] else array[$2::text] end)
      order by array_position(current_schemas(false), n.nspname) limit 1`,
    [name, schema ?? null],
  )
  if (!table) return undefined
  const columns = await readRows(
    db,
    columnColumns,
    `select a.attname::text as name, coalesce(b.typname, t.typname)::text as type, a.attgenerated = 'v' as "isVirtual"
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
      where a.attrelid = $1::text::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [table.oid],
  )
  return { ...table, name, columns }
}
