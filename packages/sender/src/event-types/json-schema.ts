import { _, Ajv2020, type ErrorObject, type KeywordCxt } from 'ajv/dist/2020.js'
import type { JsonSchema } from './event-type.ts'
import { compileLinearPattern } from './linear-pattern.ts'
import { COST_KEYWORD, type SchemaCost, withCosts } from './schema-cost.ts'

/** Tells what of a value does not fit a schema: nothing, or places and rules, without values. */
export type SchemaCheck = (value: unknown) => readonly string[]

/** Throws for what is no schema, refers to what is not in it, or cannot be bounded. */
export type SchemaCompiler = (schema: JsonSchema) => SchemaCheck

const MAX_PROBLEMS = 5
const MAX_PROBLEM_LENGTH = 200
/** What is compared comes from tenants: this much takes about 10 ms, whatever the schema. */
const MAX_STEPS = 200_000
/** To find all that is wrong costs more, and leaves more behind, than to find the first of it. */
const MAX_STEPS_FOR_ALL = 2_000
const CHARACTERS_IN_A_STEP = 64
const STEPS_OF_A_PATTERN = 3
const TOO_MUCH =
  'it takes too long to compare with its schema: it has too many members, is nested too deeply, or its texts are too long'

class OutOfSteps extends Error {}

/** Counts what a comparison costs. */
interface Meter {
  begin(steps: number): void
  /** @throws OutOfSteps */
  spend(steps: number): void
}

/** Compiles twice: to find the first of what is wrong, and all of it. */
interface Compilers {
  readonly meter: Meter
  readonly first: Ajv2020
  readonly all: Ajv2020
}

/** Compiling takes some 10 ms, and a process may make the same catalog more than once: by the text of the schema. */
const known = new Map<string, SchemaCheck>()
const MAX_KNOWN = 1_000
/** To create them takes some 20 ms. They remember what they have compiled, and are dropped with it. */
let shared: Compilers | undefined

/** Creates what compiles schemas. */
export function createSchemaCompiler(): SchemaCompiler {
  // What has ids, also within, is known by them: it is to be seen by no other catalog.
  let own: Compilers | undefined

  return (schema) => {
    const text = textOf(schema)
    if (text === undefined || text.includes('"$id"')) {
      own ??= createCompilers()
      return createCheck(schema, own)
    }
    const before = known.get(text)
    if (before) return before
    if (known.size >= MAX_KNOWN) {
      known.clear()
      shared = undefined
    }
    shared ??= createCompilers()
    const check = createCheck(schema, shared)
    known.set(text, check)
    return check
  }
}

function createCompilers(): Compilers {
  const meter = createMeter()
  return { meter, first: createAjv(meter, false), all: createAjv(meter, true) }
}

/** Undefined for what another text would stand for as well. */
function textOf(schema: JsonSchema): string | undefined {
  try {
    return JSON.stringify(schema, (_, value) => {
      if (isJson(value)) return value
      throw new TypeError('not JSON')
    })
  } catch {
    return undefined
  }
}

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  return value === null || ['string', 'boolean', 'object'].includes(typeof value)
}

function createCheck(schema: JsonSchema, { meter, first, all }: Compilers): SchemaCheck {
  if (Object(schema).$async !== undefined) throw new TypeError('$async is no keyword of JSON Schema')
  const costed = withCosts(schema)
  // Schemas are the host's, and are compared with the schema of schemas in its own time.
  meter.begin(Number.POSITIVE_INFINITY)
  const fits = compile(first, costed)
  // Now, and not when a value does not fit: it takes its time.
  const fitsInAll = compile(all, costed)
  if (problemsOf(() => fits(null), meter, MAX_STEPS) === undefined) {
    throw new RangeError('it takes too long to compare anything with it: does it refer to itself?')
  }
  return (value) => {
    const found = problemsOf(() => fits(value), meter, MAX_STEPS)
    if (found === undefined || found.length === 0) return found ?? [TOO_MUCH]
    return problemsOf(() => fitsInAll(value), meter, MAX_STEPS_FOR_ALL) ?? found
  }
}

type Errors = readonly ErrorObject[]

function compile(ajv: Ajv2020, schema: JsonSchema): (value: unknown) => Errors {
  const validate = ajv.compile(schema)
  // Two types may carry a schema of the same id; neither is to be seen by the other.
  const { $id } = Object(schema) as { $id?: string }
  if ($id !== undefined) ajv.removeSchema($id)
  return (value) => (validate(value) ? [] : (validate.errors ?? []))
}

/** Undefined where it costs too much to know. */
function problemsOf(errorsOf: () => Errors, meter: Meter, steps: number): readonly string[] | undefined {
  meter.begin(steps)
  try {
    const errors = errorsOf()
    const problems = errors.slice(0, MAX_PROBLEMS).map(describe)
    return errors.length > MAX_PROBLEMS ? [...problems, `and ${errors.length - MAX_PROBLEMS} more`] : problems
  } catch (error) {
    // A RangeError: nested deeper than the stack.
    if (error instanceof OutOfSteps || error instanceof RangeError) return undefined
    throw error
  }
}

function createMeter(): Meter {
  let left = 0
  return {
    begin(steps) {
      left = steps
    },
    spend(steps) {
      left -= steps
      if (left < 0) throw new OutOfSteps()
    },
  }
}

function createAjv({ spend }: Meter, allErrors: boolean): Ajv2020 {
  const regExp = (source: string) => {
    const pattern = compileLinearPattern(source)
    return {
      test(text: string) {
        spend(STEPS_OF_A_PATTERN)
        return pattern.test(text, spend)
      },
      // By which patterns that are the same are compiled once.
      toString: () => source,
    }
  }
  // Keywords and formats that are not known are notes, as the specification has it.
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    validateFormats: false,
    logger: false,
    code: { regExp: Object.assign(regExp, { code: 'compileLinearPattern' }) },
  })

  function spendOn({ steps, stepsPerMember, countsCharacters }: SchemaCost, value: unknown): void {
    spend(steps)
    if (typeof value === 'string') {
      if (countsCharacters) spend(Math.floor(value.length / CHARACTERS_IN_A_STEP))
    } else if (stepsPerMember > 0 && typeof value === 'object' && value !== null) {
      spend(Math.ceil(stepsPerMember * (Array.isArray(value) ? value.length : Object.keys(value).length)))
    }
  }

  ajv.addKeyword({
    keyword: COST_KEYWORD,
    before: '$ref',
    code({ gen, schema, data }: KeywordCxt) {
      const cost = gen.scopeValue('obj', { ref: schema })
      gen.code(_`${gen.scopeValue('func', { ref: spendOn })}(${cost}, ${data})`)
    },
  })
  // Its own compares each with each, which takes 10 s for 10,000 objects.
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isWanted: boolean, items: readonly unknown[]) => !isWanted || areUnique(items, spend),
    error: { message: 'must NOT have duplicate items' },
  })
  return ajv
}

function describe({ instancePath, message = 'does not fit', params }: ErrorObject): string {
  const { additionalProperty } = params as { additionalProperty?: string }
  const where = instancePath === '' ? 'it' : instancePath
  const problem =
    additionalProperty === undefined ? `${where} ${message}` : `${where} ${message} (${additionalProperty})`
  return problem.length > MAX_PROBLEM_LENGTH ? `${problem.slice(0, MAX_PROBLEM_LENGTH - 3)}...` : problem
}

/** Characters that are hashed, or compared, in a step. */
const COMPARED_IN_A_STEP = 32

/**
 * Whether no two values of JSON are the same. Only those with equal hashes are compared; many such values
 * cost their sender the comparisons.
 *
 * @param spend - is called with the cost of each few steps; throws to end it.
 */
function areUnique(values: readonly unknown[], spend: (steps: number) => void): boolean {
  const byHash = new Map<number, unknown[]>()

  function spendText(text: string): void {
    spend(Math.floor(text.length / COMPARED_IN_A_STEP))
  }

  function hashOf(value: unknown): number {
    spend(1)
    if (typeof value === 'string') return hashOfText(value, 1)
    if (typeof value !== 'object' || value === null) return hashOfText(String(value === 0 ? 0 : value), 2)
    let sum = Array.isArray(value) ? 3 : 4
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) sum = mixed(sum, hashOf(value[index]))
      return sum
    }
    // In whichever order they stand.
    const members = value as Readonly<Record<string, unknown>>
    for (const name of Object.keys(members))
      sum = (sum + mixed(hashOfText(name, 5), hashOf(members[name]))) | 0
    return sum
  }

  function hashOfText(text: string, seed: number): number {
    spendText(text)
    let hash = seed
    for (let index = 0; index < text.length; index++) hash = mixed(hash, text.charCodeAt(index))
    return hash
  }

  function areSame(one: unknown, other: unknown): boolean {
    spend(1)
    if (typeof one === 'string') spendText(one)
    if (one === other) return true
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
    if (Array.isArray(one) !== Array.isArray(other)) return false
    const members = Object.entries(one)
    const others = new Map(Object.entries(other))
    spend(others.size)
    return (
      members.length === others.size &&
      members.every(([name, value]) => others.has(name) && areSame(value, others.get(name)))
    )
  }

  for (const value of values) {
    const hash = hashOf(value)
    const alike = byHash.get(hash)
    if (alike === undefined) byHash.set(hash, [value])
    else if (alike.some((one) => areSame(one, value))) return false
    else alike.push(value)
  }
  return true
}

function mixed(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193)
}
