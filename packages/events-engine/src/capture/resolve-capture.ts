import { ALL_SITES, isEventTypeMember } from '@x/events-core'
import { EventEngineError, shown } from '../errors.ts'
import type { Capture, CaptureAction, CaptureTableOptions, ResolvedSource } from './capture-options.ts'

const ACTIONS: readonly CaptureAction[] = ['Create', 'Update', 'Delete']

/** What an Update's data has beside the columns: the names of those that changed. */
export const CHANGED_KEY = '$changed'
/** What an Update's data has beside the columns if that is wanted: what those were that changed. */
export const BEFORE_KEY = '$before'
/** What stands in for data that is larger than the engine's limit. */
export const OMITTED_KEY = '$omitted'

const RESERVED = [CHANGED_KEY, BEFORE_KEY, OMITTED_KEY]

/** @throws EventEngineError `invalid_capture` */
export function resolveCapture<DB>(options: CaptureTableOptions<DB>): Capture {
  const {
    entityName,
    entityId,
    data,
    before = false,
    actions = ACTIONS,
    onMissingContext = 'reject',
  } = options
  const table = demandName('table', options.table)
  if (typeof entityName !== 'string' || !isEventTypeMember(entityName)) {
    refuse('entityName', 'letters, digits, _ and -, at most 100', entityName)
  }
  demandName('entityId', entityId)
  if (!Array.isArray(actions) || actions.length === 0 || !actions.every((one) => ACTIONS.includes(one))) {
    refuse('actions', `a list of ${ACTIONS.map(shown).join(', ')}`, actions)
  }
  if (typeof before !== 'boolean') refuse('before', 'true or false', before)
  if (before && data === undefined) refuse('before', 'false without options.data, which it is about', before)
  if (onMissingContext !== 'reject') {
    demandInteger('onMissingContext.tenantId', onMissingContext?.tenantId)
    demandInteger('onMissingContext.siteId', onMissingContext.siteId)
  }
  const fallback = onMissingContext === 'reject' ? undefined : onMissingContext
  const tenantId = resolveSource('tenantId', options.tenantId ?? 'context', fallback?.tenantId)
  // A row of one tenant must not get a site out of the context of another.
  const site = options.siteId ?? (tenantId.from === 'context' ? 'context' : ALL_SITES)
  return Object.freeze({
    table,
    entityName,
    entityId,
    tenantId,
    siteId: resolveSource('siteId', site, fallback?.siteId),
    data: data === undefined ? undefined : resolveData(data),
    before,
    actions: new Set(actions),
  })
}

/** @throws EventEngineError `invalid_capture` */
export function demandName(option: string, name: unknown): string {
  // A NUL would end the statement's text; half a surrogate pair would become another name.
  if (typeof name === 'string' && name !== '' && !name.includes('\0') && name.isWellFormed()) return name
  return refuse(option, 'the name of a table or column', name)
}

function resolveSource(
  option: 'tenantId' | 'siteId',
  source: unknown,
  fallback: number | undefined,
): ResolvedSource {
  if (source === 'context') return { from: 'context', fallback }
  if (typeof source === 'object' && source !== null && 'column' in source) {
    return { from: 'column', column: demandName(`${option}.column`, source.column) }
  }
  if (Number.isSafeInteger(source)) return { from: 'constant', value: source as number }
  return refuse(option, "{ column: name }, an integer, or 'context'", source)
}

function resolveData(columns: readonly string[]): readonly string[] {
  if (!Array.isArray(columns)) refuse('data', 'a list of columns', columns)
  for (const column of columns) {
    demandName('data', column)
    if (RESERVED.includes(column)) {
      refuse('data', `no column of the name ${column}, which events use for something else`, column)
    }
  }
  if (new Set(columns).size < columns.length) refuse('data', 'columns that are all different', columns)
  return Object.freeze([...columns])
}

function demandInteger(option: string, value: unknown): void {
  if (!Number.isSafeInteger(value)) refuse(option, 'an integer', value)
}

function refuse(option: string, expected: string, value: unknown): never {
  throw new EventEngineError(
    'invalid_capture',
    `captureTable: options.${option} must be ${expected}; got ${shown(value)}.`,
  )
}
