import type { CaptureAction } from './capture-options.ts'
import { quoteName, quoteText, remedies } from './sql.ts'
import { insertEvent } from './sqlite-event.ts'
import { changesAny, columnOf, isComplete, isInteger, type SqliteCapture } from './sqlite-expressions.ts'
import { replacedRows } from './sqlite-replaced-rows.ts'

/** A trigger: its name, and the statement that creates it, in the very text that SQLite keeps. */
export interface SqliteTrigger {
  readonly name: string
  readonly sql: string
}

/** The triggers that raise an event for each change of a row. */
export function sqliteTriggers(parts: SqliteCapture): SqliteTrigger[] {
  const { capture, table } = parts
  const { actions, entityId, tenantId, siteId } = capture
  const places = [tenantId, siteId].flatMap((source) => (source.from === 'column' ? [source.column] : []))
  // A row that changes its key, tenant or site leaves one place and appears in another.
  const moved = `(${changesAny([...new Set([entityId, ...places])])})`
  const insert = (row: string, action: CaptureAction, where = 'true') =>
    actions.has(action) ? insertEvent(parts, row, action, where) : ''
  const replaced = actions.has('Delete') ? replacedRows(parts) : undefined

  const triggers: [string, string, string][] = [
    [
      'insert',
      'after insert',
      `${requireContext(parts)}${requireValues(parts)}${replaced?.flushInsert ?? ''}${insert('NEW', 'Create')}`,
    ],
    [
      'update',
      `after update`,
      `${requireContext(parts)}${requireValues(parts)}${replaced?.flushUpdate ?? ''}${insert('OLD', 'Delete', `${moved} and ${isComplete(parts, 'OLD')}`)}${insert('NEW', 'Create', moved)}${insert('NEW', 'Update', `not ${moved}`)}`,
    ],
    [
      'delete',
      'after delete',
      `${requireContext(parts)}${replaced?.forget ?? ''}${insert('OLD', 'Delete', isComplete(parts, 'OLD'))}`,
    ],
    ['replace', 'before insert', replaced?.rememberInsert ?? ''],
    ['move', 'before update', replaced?.rememberUpdate ?? ''],
  ]
  const any = changesAny(table.columns.map(({ name }) => name))
  const conditions: Record<string, string | undefined> = { update: any, move: replaced?.changesKey }
  return triggers
    .filter(([, , body]) => body.includes(' into '))
    .map(([kind, when, body]) => {
      const name = `${parts.own.trigger}${kind}_${table.name}`
      const condition = conditions[kind]
      const sql = `CREATE TRIGGER ${quoteName(name)} ${when} on ${quoteName(table.name)} for each row${
        condition === undefined ? '' : ` when ${condition}`
      }\nbegin${body}\nend`
      return { name, sql }
    })
}

/** Stops a statement that changes rows without the context they need. */
function requireContext({ capture, own }: SqliteCapture): string {
  const needed = [capture.tenantId, capture.siteId].some(
    (source) => source.from === 'context' && source.fallback === undefined,
  )
  return needed ? stop(remedies(capture).context, `not exists (select 1 from ${own.context})`) : ''
}

/** Stops a statement that writes a row which no event could be about. */
function requireValues({ capture }: SqliteCapture): string {
  const { entityId, tenantId, siteId } = capture
  const text = remedies(capture)
  return [
    stop(text.entityId, `${columnOf('NEW', entityId)} is null`),
    tenantId.from === 'column'
      ? stop(text.tenantId, `not ${isInteger(columnOf('NEW', tenantId.column))}`)
      : '',
    siteId.from === 'column'
      ? stop(
          text.siteId,
          `${columnOf('NEW', siteId.column)} is not null and not ${isInteger(columnOf('NEW', siteId.column))}`,
        )
      : '',
  ].join('')
}

function stop(message: string, condition: string): string {
  return `\n  select raise(abort, ${quoteText(message)}) where ${condition};`
}
