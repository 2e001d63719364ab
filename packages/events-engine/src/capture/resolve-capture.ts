import {
  ALL_SITES,
  type Assertion,
  type FieldNames,
  isEventTypeMember,
  isListOf,
  type TenantSite,
} from '@x/events-core'
import { shown } from '../errors.ts'
import { assertInteger, createOptionAssertion } from '../util/assert.ts'
import type {
  Capture,
  CaptureAction,
  CaptureTableOptions,
  ReleaseTableOptions,
  ResolvedSource,
} from './capture-options.ts'

const assertOption: Assertion = createOptionAssertion('captureTable', 'invalid_capture')
const assertRelease: Assertion = createOptionAssertion('releaseTable', 'invalid_capture')

const ACTIONS: readonly CaptureAction[] = ['Create', 'Update', 'Delete']

/** What an Update's data has beside the columns: the names of those that changed. */
export const CHANGED_KEY = '$changed'
/** What an Update's data has beside the columns if that is wanted: what those were that changed. */
export const BEFORE_KEY = '$before'
/** What stands in for data that is larger than the engine's limit. */
export const OMITTED_KEY = '$omitted'

const RESERVED = [CHANGED_KEY, BEFORE_KEY, OMITTED_KEY]

const OPTIONS: FieldNames<CaptureTableOptions> = {
  table: true,
  entityName: true,
  entityId: true,
  tenantId: true,
  siteId: true,
  data: true,
  before: true,
  actions: true,
  onMissingContext: true,
  trx: true,
}
const RELEASE: FieldNames<ReleaseTableOptions> = { trx: true }
const SITE: FieldNames<TenantSite> = { tenantId: true, siteId: true }

/** @throws EventEngineError `invalid_capture` */
export function resolveRelease<DB>(options: ReleaseTableOptions<DB> | undefined): ReleaseTableOptions<DB> {
  return assertRelease.fields('', options, RELEASE)
}

/** @throws EventEngineError `invalid_capture` */
export function resolveCapture<DB>(given: CaptureTableOptions<DB>): Capture {
  const options = assertOption.fields('', given, OPTIONS)
  const {
    entityName,
    entityId,
    data,
    before = false,
    actions = ACTIONS,
    onMissingContext = 'reject',
  } = options
  const table = assertName('table', options.table)
  const isMember = typeof entityName === 'string' && isEventTypeMember(entityName)
  assertOption(isMember, 'entityName', 'letters, digits, _, - and :, at most 100', entityName)
  assertName('entityId', entityId)
  const areActions = isListOf(actions, (one) => ACTIONS.includes(one as CaptureAction)) && actions.length > 0
  assertOption(areActions, 'actions', `a list of ${ACTIONS.map(shown).join(', ')}`, actions)
  assertOption.boolean('before', before)
  assertOption(
    !before || data !== undefined,
    'before',
    'false without options.data, which it is about',
    before,
  )
  if (onMissingContext !== 'reject') {
    assertOption.fields('onMissingContext', onMissingContext, SITE)
    assertInteger(assertOption, 'onMissingContext.tenantId', onMissingContext.tenantId)
    assertInteger(assertOption, 'onMissingContext.siteId', onMissingContext.siteId)
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
export function assertName(option: string, name: unknown): string {
  // A NUL would end the statement's text; half a surrogate pair would become another name.
  const fits = typeof name === 'string' && name !== '' && !name.includes('\0') && name.isWellFormed()
  assertOption(fits, option, 'the name of a table or column', name)
  return name as string
}

function resolveSource(
  option: 'tenantId' | 'siteId',
  source: unknown,
  fallback: number | undefined,
): ResolvedSource {
  if (source === 'context') return { from: 'context', fallback }
  if (typeof source === 'object' && source !== null && 'column' in source) {
    return { from: 'column', column: assertName(`${option}.column`, source.column) }
  }
  assertOption(Number.isSafeInteger(source), option, "{ column: name }, an integer, or 'context'", source)
  return { from: 'constant', value: source as number }
}

function resolveData(columns: readonly string[]): readonly string[] {
  assertOption(Array.isArray(columns), 'data', 'a list of columns', columns)
  for (const column of columns) {
    assertName('data', column)
    const expected = `columns other than ${RESERVED.join(', ')}, which events use themselves`
    assertOption(!RESERVED.includes(column), 'data', expected, column)
  }
  assertOption(new Set(columns).size === columns.length, 'data', 'columns that are all different', columns)
  return Object.freeze([...columns])
}
