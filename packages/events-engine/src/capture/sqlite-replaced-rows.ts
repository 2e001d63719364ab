import { quoteName, quoteText } from './sql.ts'
import { insertReplaced } from './sqlite-event.ts'
import {
  changesAny,
  columnOf,
  dataOf,
  entityIdOf,
  isComplete,
  type SqliteCapture,
  sourceOf,
} from './sqlite-expressions.ts'

/** What the triggers do about rows that `OR REPLACE` removes. */
export interface ReplacedRows {
  readonly rememberInsert: string
  readonly flushInsert: string
  readonly rememberUpdate: string
  readonly flushUpdate: string
  /** Whether an update may replace another row at all. */
  readonly changesKey: string
  /** Forgets a row whose deletion its own trigger raises. */
  readonly forget: string
}

/**
 * `insert or replace` and `update or replace` remove the rows in their way without firing delete triggers, unless the
 * connection has set `recursive_triggers`. So the rows in the way are remembered before the change. After it they are
 * gone, and their events are raised. A change that does not happen after all (`or ignore`, `on conflict`) leaves them in
 * the table, for the next change to delete.
 */
export function replacedRows(parts: SqliteCapture): ReplacedRows | undefined {
  const { capture, table, own } = parts
  const { rowid, uniqueKeys, primaryKey } = table
  const from = quoteName(table.name)
  const ofTable = `source = ${quoteText(table.name)}`

  const inTheWay = [
    ...(rowid === undefined ? [] : [`r.${rowid} = NEW.${rowid}`]),
    ...uniqueKeys.map((key) => key.map((column) => sameAs('NEW', column)).join(' and ')),
  ]
  if (inTheWay.length === 0) return undefined

  const keyOf = (row: string) => (rowid === undefined ? entityIdOf(row, capture.entityId) : `${row}.${rowid}`)
  const isUpdatedRow =
    rowid === undefined
      ? primaryKey.map((name) => `${columnOf('r', name)} = ${columnOf('OLD', name)}`).join(' and ')
      : `r.${rowid} = OLD.${rowid}`
  const keyColumns = uniqueKeys.flatMap((key) => key.map(({ name }) => name))
  const changesKey = [
    ...(rowid === undefined ? [] : [`OLD.${rowid} is not NEW.${rowid}`]),
    ...(keyColumns.length === 0 ? [] : [changesAny([...new Set(keyColumns)])]),
  ].join(' or ')

  const remember = (condition: string) => `
  delete from ${own.replaced} where ${ofTable};
  insert into ${own.replaced} (source, row_key, tenant_id, site_id, entity_id, data)
    select ${quoteText(table.name)}, ${keyOf('r')},
      ${sourceOf(own, 'r', capture.tenantId, 'tenant_id')}, ${sourceOf(own, 'r', capture.siteId, 'site_id')},
      ${entityIdOf('r', capture.entityId)}, ${dataOf(parts, 'r', false)?.data ?? 'null'}
    from ${from} as r
    where (${inTheWay.map((match) => `(${match})`).join(' or ')}) and ${condition};`
  // A rowid that is not assigned yet is -1 before an insert, and a row with that id need not be replaced.
  const isGone =
    rowid === undefined
      ? 'true'
      : `(row_key = NEW.${rowid} or not exists (select 1 from ${from} as r where r.${rowid} = row_key))`

  return {
    rememberInsert: remember(isComplete(parts, 'r')),
    flushInsert: insertReplaced(parts, `${ofTable} and ${isGone}`),
    rememberUpdate: remember(`not (${isUpdatedRow}) and ${isComplete(parts, 'r')}`),
    flushUpdate: insertReplaced(parts, `(${changesKey}) and ${ofTable} and ${isGone}`),
    changesKey,
    forget: `\n  delete from ${own.replaced} where ${ofTable} and row_key = ${keyOf('OLD')};`,
  }
}

function sameAs(row: string, column: { readonly name: string; readonly collation: string }): string {
  const { name, collation } = column
  return `${columnOf('r', name)} = ${columnOf(row, name)} collate ${quoteName(collation)}`
}
