import { isPlainObject, shown } from '@x/events-core'
import { WebhookSenderError } from '../errors.ts'
import type { CompiledFilter, ContentFilter, FilterUse } from './content-filter.ts'
import {
  all,
  at,
  atWhole,
  type FilterValue,
  hasText,
  isFilterValue,
  isObject,
  isOneOf,
  isOrdered,
  not,
  type Test,
} from './filter-tests.ts'

/** Thrown by an evaluation that takes too many steps: large messages, long texts. */
export class FilterTooCostly extends Error {
  override readonly name = 'FilterTooCostly'
}

const MAX_LENGTH = 4_000
const MAX_CONDITIONS = 64
const MAX_LEVELS = 8
const MAX_LISTED = 100
const MAX_PATH_LENGTH = 200
const MAX_NAMES = 16
const MAX_FIELD_LENGTH = 400
/** Less than a millisecond. */
const MAX_STEPS = 10_000

const ENTITY = ['data', 'entity']
const ROOTS = ['type', 'timestamp']
const DATA = ['tenantId', 'siteId', 'siteKey', 'entityName', 'entityId', 'action', 'entity']
const GROUPS = ['$and', '$or', '$nor', '$not', '$changed']
const LIST_GROUPS = ['$and', '$or', '$nor']
const OPERATORS = [
  '$eq',
  '$ne',
  '$gt',
  '$gte',
  '$lt',
  '$lte',
  '$in',
  '$nin',
  '$exists',
  '$startsWith',
  '$endsWith',
  '$contains',
  '$all',
  '$elemMatch',
  '$not',
]

/** Where the compiler is. */
interface Place {
  readonly field: string
  /** The path from the message's root to what is looked at. */
  readonly base: readonly string[]
  readonly level: number
  /** What is found, of the whole filter. */
  readonly uses: FilterUse[]
}

/**
 * Reads a filter that comes from outside.
 *
 * @throws WebhookSenderError `invalid_filter`, with the place in the filter as its `field`.
 */
export function compileContentFilter(input: unknown): CompiledFilter {
  const { filter, length } = copyOf(input)
  if (length > MAX_LENGTH)
    refuse('filter', `at most ${MAX_LENGTH} characters as JSON`, `${length} characters`)
  const uses: FilterUse[] = []
  const test = compileGroup(filter, { field: 'filter', base: [], level: 1, uses })
  return {
    filter: filter as ContentFilter,
    uses,
    matches(message) {
      let left = MAX_STEPS
      return test(message, (steps) => {
        left -= steps
        if (left < 0) throw new FilterTooCostly(`The filter takes more than ${MAX_STEPS} steps.`)
      })
    },
  }
}

/** Free of what JSON leaves out: getters, prototypes. */
function copyOf(input: unknown): { readonly filter: object; readonly length: number } {
  if (!isPlainObject(input)) return refuse('filter', 'a plain object of conditions by path', shown(input))
  let text: string | undefined
  try {
    text = JSON.stringify(input, finite)
  } catch {
    return refuse('filter', 'JSON, with finite numbers and not nested too deeply', 'something else')
  }
  const filter: unknown = text === undefined ? undefined : JSON.parse(text)
  if (!isObject(filter)) return refuse('filter', 'an object of conditions by path', shown(filter))
  return { filter, length: text?.length ?? 0 }
}

/** JSON would have null in place of it, which is another condition. */
function finite(_: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} is not finite.`)
  return value
}

/** All conditions of an object: groups, and paths from the place. */
function compileGroup(group: object, place: Place): Test {
  assertLevel(place)
  const tests = Object.entries(group).map(([key, operand]) => {
    const inner = { ...place, field: `${place.field}.${key}` }
    return key.startsWith('$') ? compileGroupOperator(key, operand, inner) : compilePath(key, operand, inner)
  })
  return all(tests)
}

function compileGroupOperator(name: string, operand: unknown, place: Place): Test {
  const isRoot = place.base.length === 0
  if (!GROUPS.includes(name) || (name === '$changed' && !isRoot)) {
    const known = isRoot ? GROUPS : GROUPS.slice(0, -1)
    refuse(
      place.field,
      `one of ${known.join(', ')}, or a path with its conditions`,
      OPERATORS.includes(name) ? `${name} without a path` : shown(name),
    )
  }
  if (name === '$changed') return compileChanged(operand, place)
  if (name === '$not')
    return not(compileGroup(objectOf(operand, place), { ...place, level: place.level + 1 }))
  const tests = listOf(operand, place, 'filters').map((one, index) => {
    const inner = { ...place, field: `${place.field}[${index}]`, level: place.level + 1 }
    return compileGroup(objectOf(one, inner), inner)
  })
  if (name === '$and') return all(tests)
  const any: Test = (value, spend) => tests.some((test) => test(value, spend))
  return name === '$or' ? any : not(any)
}

function compileChanged(operand: unknown, place: Place): Test {
  const names = listOf(operand, place, 'names of columns')
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string' || name === '') {
      refuse(`${place.field}[${index}]`, 'the name of a column', shown(name))
    }
  }
  countCondition(place, { path: [...ENTITY, '$changed'], type: undefined })
  return at([...ENTITY, '$changed'], isOneOf(names as string[]))
}

function compilePath(path: string, condition: unknown, place: Place): Test {
  const names = namesOf(path, place)
  return compileCondition(names, condition, { ...place, base: [...place.base, ...names] })
}

/** What is asked of the value at a path from what is looked at; its base is that value's. */
function compileCondition(names: readonly string[], condition: unknown, place: Place): Test {
  if (isFilterValue(condition)) return compileOperator('$eq', condition, names, place)
  if (!isObject(condition)) refuse(place.field, 'a value or conditions', listAdvice(condition))
  assertLevel(place)
  const entries = Object.entries(condition as object)
  if (entries.length === 0) refuse(place.field, 'a value or conditions', 'no condition')
  return all(
    entries.map(([name, operand]) =>
      compileOperator(name, operand, names, { ...place, field: `${place.field}.${name}` }),
    ),
  )
}

function compileOperator(name: string, operand: unknown, names: readonly string[], place: Place): Test {
  switch (name) {
    case '$eq':
    case '$ne': {
      if (!isFilterValue(operand))
        refuse(place.field, 'a string, number, boolean or null', listAdvice(operand))
      const value = operand as FilterValue
      countCondition(place, { type: typeOf(value) })
      const equals = at(names, isOneOf([value]))
      return name === '$eq' ? equals : not(equals)
    }
    case '$in':
    case '$nin': {
      const values = valuesOf(operand, place)
      for (const type of new Set(values.map(typeOf))) countCondition(place, { type })
      const isAny = at(names, isOneOf(values))
      return name === '$in' ? isAny : not(isAny)
    }
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte': {
      if (typeof operand !== 'number' && typeof operand !== 'string') {
        refuse(place.field, 'a number or a string', shown(operand))
      }
      const limit = operand as number | string
      countCondition(place, { type: typeOf(limit) })
      return at(names, isOrdered(name, limit))
    }
    case '$startsWith':
    case '$endsWith':
    case '$contains': {
      if (typeof operand !== 'string' || operand === '') {
        refuse(place.field, 'a string that is not empty', shown(operand))
      }
      countCondition(place, { type: 'string' })
      return at(names, hasText(name, operand as string))
    }
    case '$exists': {
      if (typeof operand !== 'boolean') refuse(place.field, 'true or false', shown(operand))
      countCondition(place, { type: undefined })
      const exists = atWhole(names, (value) => value !== undefined)
      return operand ? exists : not(exists)
    }
    case '$all': {
      const values = valuesOf(operand, place)
      countCondition(place, { type: 'array' })
      return all(values.map((value) => at(names, isOneOf([value]))))
    }
    case '$elemMatch': {
      countCondition(place, { type: 'array' })
      const member = compileMember(objectOf(operand, place), place)
      return atWhole(
        names,
        (value, spend) => Array.isArray(value) && value.some((one: unknown) => member(one, spend)),
      )
    }
    case '$not': {
      const inner = { ...place, level: place.level + 1 }
      return not(compileCondition(names, objectOf(operand, place), inner))
    }
  }
  const advice = name.startsWith('$')
    ? shown(name)
    : `${shown(name)}; for what lies within, write ${shown(`${place.base.join('.')}.${name}`)} as the path`
  return refuse(place.field, `one of ${OPERATORS.join(', ')}`, advice)
}

/** Conditions on a list's member itself, or on paths within it. */
function compileMember(wanted: object, place: Place): Test {
  const inner = { ...place, level: place.level + 1 }
  const keys = Object.keys(wanted)
  if (keys.length === 0) refuse(place.field, 'conditions', 'none')
  const isOfPaths = keys.some((key) => !key.startsWith('$') || LIST_GROUPS.includes(key))
  return isOfPaths ? compileGroup(wanted, inner) : compileCondition([], wanted, inner)
}

function namesOf(path: string, { base, field }: Place): readonly string[] {
  const names = path.split('.')
  if (path.length > MAX_PATH_LENGTH || names.length > MAX_NAMES || names.includes('')) {
    refuse(
      field,
      `a path of at most ${MAX_NAMES} names with full stops between them, and ${MAX_PATH_LENGTH} characters`,
      shown(path),
    )
  }
  const [root = '', second = ''] = names
  const isKnown = names.length === 1 ? ROOTS.includes(root) : root === 'data' && DATA.includes(second)
  if (base.length === 0 && !isKnown) {
    const meant = DATA.includes(root) ? `data.${path}` : `data.entity.${path.replace(/^data\./, '')}`
    refuse(
      field,
      `${ROOTS.join(', ')} or one of ${DATA.map((name) => `data.${name}`).join(', ')}`,
      `the path ${shown(path)}; is ${meant} meant?`,
      [meant],
    )
  }
  return names
}

function countCondition(
  { uses, base, field }: Place,
  use: { readonly path?: readonly string[]; readonly type: FilterUse['type'] },
): void {
  uses.push({ path: use.path ?? base, field, type: use.type })
  if (uses.length > MAX_CONDITIONS) refuse('filter', `of at most ${MAX_CONDITIONS} conditions`, 'more')
}

function assertLevel({ level, field }: Place): void {
  if (level > MAX_LEVELS) refuse(field, `nested in at most ${MAX_LEVELS} levels`, 'more of them')
}

function listOf(operand: unknown, { field }: Place, what: string): readonly unknown[] {
  const fits = Array.isArray(operand) && operand.length >= 1 && operand.length <= MAX_LISTED
  if (fits) return operand
  const got = Array.isArray(operand) ? `${operand.length} of them` : shown(operand)
  return refuse(field, `a list of 1 to ${MAX_LISTED} ${what}`, got)
}

function valuesOf(operand: unknown, place: Place): readonly FilterValue[] {
  const values = listOf(operand, place, 'values')
  for (const [index, value] of values.entries()) {
    if (!isFilterValue(value)) {
      refuse(`${place.field}[${index}]`, 'a string, number, boolean or null', listAdvice(value))
    }
  }
  return values as readonly FilterValue[]
}

function objectOf(operand: unknown, { field }: Place): object {
  return isObject(operand) ? operand : refuse(field, 'an object of conditions', shown(operand))
}

function listAdvice(value: unknown): string {
  return Array.isArray(value)
    ? 'a list; $in tells whether a value is one of a list, $all whether a list has each'
    : shown(value)
}

function typeOf(value: FilterValue): FilterUse['type'] {
  return value === null ? undefined : (typeof value as 'string' | 'number' | 'boolean')
}

function refuse(place: string, expected: string, got: string, suggestions?: readonly string[]): never {
  const field = place.slice(0, MAX_FIELD_LENGTH)
  const what = field === 'filter' ? 'The filter' : `${field.replace(/^filter\./, '')} of the filter`
  throw new WebhookSenderError('invalid_filter', `${what} must be ${expected}; got ${got}.`, {
    field,
    suggestions,
  })
}
