import { CompiledQuery, type Kysely, SqliteAdapter } from 'kysely'

/**
 * The columns, as `table.column`, in which a text is found anywhere in the database. Tables and columns are
 * those of the database's own catalog, so that one that is added later is looked through, too.
 */
export async function findText<DB>(db: Kysely<DB>, text: string): Promise<string[]> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  const columns = isSqlite
    ? `select t.name as "table", c.name as "column" from sqlite_schema t join pragma_table_xinfo(t.name) c
       where t.type = 'table' order by 1, 2`
    : `select format('%I.%I', table_schema, table_name) as "table", column_name as "column"
       from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2`
  const run = async <TRow>(sql: string, parameters: unknown[] = []) =>
    (await db.withoutPlugins().executeQuery(CompiledQuery.raw(sql, parameters))).rows as TRow[]
  const found: string[] = []
  for (const { table, column } of await run<{ table: string; column: string }>(columns)) {
    const from = isSqlite ? `"${table}"` : table
    const value = `cast("${column}" as text)`
    const condition = isSqlite ? `instr(${value}, ?) > 0` : `strpos(${value}, $1) > 0`
    if ((await run(`select 1 as found from ${from} where ${condition} limit 1`, [text])).length === 0)
      continue
    found.push(`${isSqlite ? table : table.replace(/^.*\./, '')}.${column}`)
  }
  return found
}
