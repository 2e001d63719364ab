import { BEGINNING, type Part, parsePattern } from './pattern-syntax.ts'

/**
 * A regular expression that is matched in linear time: all its alternatives at once, one character after the other,
 * with nothing tried again. V8 tries one after the other, which takes 5 seconds for `^(a+)+$` and 28 characters.
 */
export interface LinearPattern {
  /** @param spend - is called with the cost of each few steps; throws to end it. */
  test(text: string, spend: (steps: number) => void): boolean
}

/** One step of a program: what it looks at, and where it goes on. */
type Instruction =
  | { readonly kind: 'char'; readonly matches: (codePoint: number) => boolean; readonly next: number }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  | { readonly kind: 'assert'; readonly holds: Assertion; readonly next: number }
  | { readonly kind: 'match' }

type Spend = (steps: number) => void
type Assertion = (text: string, at: number, spend: Spend) => boolean

interface Program {
  readonly instructions: readonly Instruction[]
  readonly start: number
  /** It matches from the beginning of a text, or not at all. */
  readonly isAnchored: boolean
}

const MAX_PATTERN_LENGTH = 1_000
const MAX_INSTRUCTIONS = 2_000
/** Looks at an instruction, each of which takes about a fifth of what a step takes elsewhere. */
const STATES_IN_A_STEP = 5

/**
 * Compiles a pattern of JSON Schema: ECMAScript's, with the flag `u`. Lookbehinds and backreferences cannot be matched
 * so. A lookahead is matched wherever it is come to, which is counted like everything else.
 *
 * @throws SyntaxError for what is no pattern, or none of these.
 */
export function compileLinearPattern(source: string): LinearPattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new SyntaxError(
      `the pattern ${source.slice(0, 40)}... has more than ${MAX_PATTERN_LENGTH} characters`,
    )
  }
  // What follows may rely on it being one.
  new RegExp(source, 'u')
  let made = 0
  const matches = createRun(
    createProgram(parsePattern(source), () => {
      made += 1
      if (made > MAX_INSTRUCTIONS)
        throw new SyntaxError(`the pattern ${source} is too large, with its repetitions`)
    }),
  )
  return { test: (text, spend) => matches(text, 0, spend) }
}

/**
 * Makes the program of a pattern (Thompson's construction), in which repetitions are written out.
 *
 * @param count - is called for each instruction; throws when there are too many.
 */
function createProgram(pattern: Part, count: () => void): Program {
  const instructions: Instruction[] = []

  function add(instruction: Instruction): number {
    count()
    return instructions.push(instruction) - 1
  }

  /** From the end to the beginning: each part knows what comes after it. */
  function emit(part: Part, next: number): number {
    if (part.kind === 'char') return add({ kind: 'char', matches: part.matches, next })
    if (part.kind === 'assert') return add({ kind: 'assert', holds: part.holds, next })
    if (part.kind === 'lookahead') return add({ kind: 'assert', holds: lookahead(part), next })
    if (part.kind === 'sequence') return part.parts.reduceRight((after, one) => emit(one, after), next)
    if (part.kind === 'choice') return add({ kind: 'fork', to: part.parts.map((one) => emit(one, next)) })
    const { maximum, minimum } = part
    const isEndless = maximum === Number.POSITIVE_INFINITY
    let start = isEndless ? emitLoop(part.part, next) : next
    for (let times = 0; times < (isEndless ? minimum : maximum); times++) {
      // Also where what is repeated is empty.
      count()
      const once = emit(part.part, start)
      start = isEndless || times >= maximum - minimum ? once : add({ kind: 'fork', to: [once, next] })
    }
    return start
  }

  function emitLoop(part: Part, next: number): number {
    const to: number[] = []
    const loop = add({ kind: 'fork', to })
    to.push(emit(part, loop), next)
    return loop
  }

  function lookahead({ part, isWanted }: Part & { readonly kind: 'lookahead' }): Assertion {
    const matches = createRun({ ...createProgram(part, count), isAnchored: true })
    return (text, at, spend) => matches(text, at, spend) === isWanted
  }

  const start = emit(pattern, add({ kind: 'match' }))
  const isAnchored = pattern.kind === 'sequence' && pattern.parts[0] === BEGINNING
  return { instructions, start, isAnchored }
}

/**
 * Creates a matcher of a program: from a place in a text on, or if it is anchored, at that place. Its buffers are made once, so
 * that a match leaves no garbage.
 */
function createRun({ instructions, start, isAnchored }: Program): Assertion {
  // Which look at a text last saw each instruction: one later for each character, and never the same again.
  const seenIn = new Float64Array(instructions.length)
  let look = 0
  const stack: number[] = []
  // Where it is, and where it is after the next character: used in turn.
  let current = new Int32Array(instructions.length)
  let next = new Int32Array(instructions.length)
  let nextCount = 0
  let looked = 0

  /** Follows what looks at no character; true when it leads to the end. */
  function follow(from: number, text: string, at: number, spend: Spend): boolean {
    let top = 0
    stack[top++] = from
    while (top > 0) {
      const place = stack[--top] as number
      if (seenIn[place] === look) continue
      seenIn[place] = look
      looked += 1
      const instruction = instructions[place] as Instruction
      if (instruction.kind === 'match') return true
      if (instruction.kind === 'char') next[nextCount++] = place
      else if (instruction.kind === 'fork') {
        for (let index = 0; index < instruction.to.length; index++)
          stack[top++] = instruction.to[index] as number
      } else if (instruction.holds(text, at, spend)) stack[top++] = instruction.next
    }
    return false
  }

  return (text, from, spend) => {
    nextCount = 0
    look += 1
    looked = 0
    if (follow(start, text, from, spend)) return true
    for (let at = from; at < text.length && (nextCount > 0 || !isAnchored); ) {
      const count = nextCount
      const before = current
      current = next
      next = before
      nextCount = 0
      look += 1
      const codePoint = text.codePointAt(at) as number
      at += codePoint > 0xffff ? 2 : 1
      for (let index = 0; index < count; index++) {
        looked += 1
        const instruction = instructions[current[index] as number] as Instruction & { readonly kind: 'char' }
        if (instruction.matches(codePoint) && follow(instruction.next, text, at, spend)) return true
      }
      if (!isAnchored && follow(start, text, at, spend)) return true
      if (looked < STATES_IN_A_STEP) continue
      spend(Math.floor(looked / STATES_IN_A_STEP))
      looked %= STATES_IN_A_STEP
    }
    return false
  }
}
