/** What a filter compares with: what JSON has beside objects and lists. */
export type FilterValue = string | number | boolean | null

/** Counts what an evaluation costs. */
export type Spend = (steps: number) => void

/** Tells whether a value fulfils a condition; undefined where there is none. */
export type Test = (value: unknown, spend: Spend) => boolean

export type OrderOperator = '$gt' | '$gte' | '$lt' | '$lte'
export type TextOperator = '$startsWith' | '$endsWith' | '$contains'

/** A point in time as precise as it is written: databases write microseconds, which a `Date` would lose. */
interface Instant {
  /** Since 1970. */
  readonly seconds: number
  /** Decimal digits, without zeros at the end. */
  readonly fraction: string
}

const COMPARISONS_IN_A_STEP = 256
/** To read a date takes about as long as to look at so many values. */
const STEPS_OF_A_DATE = 20
const DATE = /^\d{4}-\d\d-\d\d$/
const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/
const LONGEST_DATE = 40

/** Whether a value is one that a filter compares with. */
export function isFilterValue(value: unknown): value is FilterValue {
  return value === null || ['string', 'boolean', 'number'].includes(typeof value)
}

/** Equal to one of these, of the same type; null is also what is missing. */
export function isOneOf(values: readonly FilterValue[]): Test {
  const wanted = new Set<unknown>(values)
  if (wanted.has(null)) wanted.add(undefined)
  const instants = new Set(
    values
      .map(instantOf)
      .filter((one) => one !== undefined)
      .map(keyOf),
  )
  return (value, spend) => {
    if (wanted.has(value)) return true
    if (instants.size === 0) return false
    spend(STEPS_OF_A_DATE)
    const instant = instantOf(value)
    return instant !== undefined && instants.has(keyOf(instant))
  }
}

/** Before or behind a limit of the same type. */
export function isOrdered(operator: OrderOperator, limit: number | string): Test {
  const fits = (order: number) => {
    if (operator === '$gt') return order > 0
    if (operator === '$gte') return order >= 0
    return operator === '$lt' ? order < 0 : order <= 0
  }
  if (typeof limit === 'number') return (value) => typeof value === 'number' && fits(value - limit)
  const limitInstant = instantOf(limit)
  return (value, spend) => {
    if (typeof value !== 'string') return false
    if (limitInstant) spend(STEPS_OF_A_DATE)
    const instant = limitInstant && instantOf(value)
    return fits(instant ? compareInstants(instant, limitInstant as Instant) : compareTexts(value, limit))
  }
}

/** A text that has another in it. */
export function hasText(operator: TextOperator, text: string): Test {
  if (operator === '$startsWith') return (value) => typeof value === 'string' && value.startsWith(text)
  if (operator === '$endsWith') return (value) => typeof value === 'string' && value.endsWith(text)
  return (value, spend) => {
    if (typeof value !== 'string') return false
    // At worst, each character is compared with each.
    spend(Math.floor((value.length * text.length) / COMPARISONS_IN_A_STEP))
    return value.includes(text)
  }
}

/** Whether a value at a path, or a member of it, fulfils a condition. */
export function at(names: readonly string[], test: Test): Test {
  return atWhole(names, (value, spend) => {
    if (!Array.isArray(value)) return test(value, spend)
    spend(value.length)
    return value.some((member: unknown) => test(member, spend))
  })
}

/** Whether a value at a path fulfils a condition; lists are taken as a whole. */
export function atWhole(names: readonly string[], test: Test): Test {
  const indexes = names.map((name) => (/^(0|[1-9]\d{0,8})$/.test(name) ? Number(name) : undefined))

  /** As MongoDB has it, a path goes on in each member of a list that is an object; a number, in the one of that index. */
  function reach(value: unknown, depth: number, spend: Spend): boolean {
    spend(1)
    if (depth === names.length) return test(value, spend)
    if (Array.isArray(value)) {
      const index = indexes[depth]
      if (index !== undefined) return index < value.length && reach(value[index], depth + 1, spend)
      spend(value.length)
      return value.some((member: unknown) => isObject(member) && reach(member, depth, spend))
    }
    const name = names[depth] as string
    // Never what a prototype has, whatever the name.
    if (isObject(value) && Object.hasOwn(value, name)) {
      return reach((value as Record<string, unknown>)[name], depth + 1, spend)
    }
    return test(undefined, spend)
  }

  return (value, spend) => reach(value, 0, spend)
}

/** Whether a value fulfils each of these. */
export function all(tests: readonly Test[]): Test {
  return (value, spend) => tests.every((test) => test(value, spend))
}

/** Whether a value does not fulfil a condition. */
export function not(test: Test): Test {
  return (value, spend) => !test(value, spend)
}

/** Whether a value has members by name. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The instant of a date or of a date and time with its offset (RFC 3339). A date alone is its midnight, UTC. */
function instantOf(value: unknown): Instant | undefined {
  if (typeof value !== 'string' || value.length > LONGEST_DATE) return undefined
  const [, time, fraction = '', offset] = DATE_TIME.exec(value) ?? []
  if (time === undefined && !DATE.test(value)) return undefined
  const seconds = Date.parse(time === undefined ? value : `${time}${offset}`) / 1_000
  return Number.isNaN(seconds) ? undefined : { seconds, fraction: fraction.replace(/0+$/, '') }
}

function keyOf({ seconds, fraction }: Instant): string {
  return `${seconds}.${fraction}`
}

function compareInstants(a: Instant, b: Instant): number {
  return a.seconds === b.seconds ? compareTexts(a.fraction, b.fraction) : a.seconds - b.seconds
}

/** By UTF-16 code units, on every machine the same. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
