/**
 * A regular expression that is matched in linear time: all its alternatives at once, one character after the other,
 * with nothing tried again. V8 tries one after the other, which takes 5 seconds for `^(a+)+$` and 28 characters.
 */
export interface LinearPattern {
  /** @param spend - is told how much each few steps took; throws to end it. */
  test(text: string, spend: (steps: number) => void): boolean
}

/** One step of a program: what it looks at, and where it goes on. */
type Instruction =
  | { readonly kind: 'char'; readonly matches: (char: string) => boolean; readonly next: number }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean; readonly next: number }
  | { readonly kind: 'match' }

interface Program {
  readonly instructions: readonly Instruction[]
  readonly start: number
  /** It matches from the beginning of a text, or not at all. */
  readonly isAnchored: boolean
}

/** What a part of a pattern is: made into instructions as often as it is repeated. */
type Part =
  | { readonly kind: 'char'; readonly matches: (char: string) => boolean }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly Part[] }
  | { readonly kind: 'choice'; readonly parts: readonly Part[] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly minimum: number; readonly maximum: number }

const BEGINNING: Part = { kind: 'assert', holds: (_text, at) => at === 0 }
const MAX_PATTERN_LENGTH = 1_000
const MAX_INSTRUCTIONS = 2_000
const MAX_DEPTH = 50
/** Of the states that a text is in; each costs about as much as a tenth of a step elsewhere. */
const STATES_IN_A_STEP = 10

/**
 * Compiles a pattern of JSON Schema: ECMAScript's, with the flag `u`. Lookaheads are understood right after a leading
 * `^`, as in rules for passwords; other lookarounds and backreferences cannot be matched in linear time.
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
  const { lookaheads, rest } = splitLookaheads(source)
  const programs = [...lookaheads, { source: rest, isWanted: true }].map((one) => ({
    program: createProgram(one.source, source),
    isWanted: one.isWanted,
  }))
  return {
    test: (text, spend) => programs.every(({ program, isWanted }) => run(program, text, spend) === isWanted),
  }
}

/** `^(?=a)(?!b)c` is `^a`, and not `^b`, and `^c`. */
function splitLookaheads(source: string) {
  const lookaheads: { source: string; isWanted: boolean }[] = []
  let rest = source
  while (/^\^\(\?[=!]/.test(rest)) {
    const end = endOfGroup(rest, 1)
    // In an alternative, it is about that one alone.
    if (hasTopLevelChoice(rest)) break
    lookaheads.push({ source: `^(?:${rest.slice(4, end - 1)})`, isWanted: rest[3] === '=' })
    rest = `^${rest.slice(end)}`
  }
  return { lookaheads, rest }
}

/** Where the group ends that begins here. */
function endOfGroup(source: string, start: number): number {
  let depth = 0
  for (const { at, text } of tokensOf(source, start)) {
    if (text === '(') depth += 1
    if (text === ')' && --depth === 0) return at + 1
  }
  return source.length
}

function hasTopLevelChoice(source: string): boolean {
  let depth = 0
  for (const { text } of tokensOf(source, 0)) {
    if (text === '(') depth += 1
    else if (text === ')') depth -= 1
    else if (text === '|' && depth === 0) return true
  }
  return false
}

// An escape, with what belongs to it; a class; any other character.
const TOKEN =
  /\\(?:u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<[^>]*>|[^])|\[(?:\\[^]|[^\]\\])*\]|[^]/uy

function* tokensOf(source: string, start: number): Generator<{ readonly at: number; readonly text: string }> {
  const token = new RegExp(TOKEN)
  token.lastIndex = start
  for (let found = token.exec(source); found; found = token.exec(source)) {
    yield { at: found.index, text: found[0] }
  }
}

/** Reads a valid pattern. */
function parse(source: string, whole: string): Part {
  const tokens = [...tokensOf(source, 0)].map(({ text }) => text)
  let at = 0

  function unsupported(what: string): SyntaxError {
    return new SyntaxError(`the pattern ${whole} has ${what}, which cannot be matched in linear time`)
  }

  function choice(depth: number): Part {
    if (depth > MAX_DEPTH) throw new SyntaxError(`the pattern ${whole} is nested too deeply`)
    const parts = [sequence(depth)]
    while (tokens[at] === '|') {
      at += 1
      parts.push(sequence(depth))
    }
    return parts.length === 1 ? (parts[0] as Part) : { kind: 'choice', parts }
  }

  function sequence(depth: number): Part {
    const parts: Part[] = []
    while (at < tokens.length && tokens[at] !== '|' && tokens[at] !== ')') parts.push(repeated(depth))
    return { kind: 'sequence', parts }
  }

  function repeated(depth: number): Part {
    const part = one(depth)
    const bounds = quantifier()
    if (!bounds) return part
    // Whether it takes as much or as little as it can makes no difference to whether it matches.
    if (tokens[at] === '?') at += 1
    return { kind: 'repeat', part, ...bounds }
  }

  function quantifier(): { readonly minimum: number; readonly maximum: number } | undefined {
    const token = tokens[at]
    if (token === '*' || token === '+' || token === '?') {
      at += 1
      return { minimum: token === '+' ? 1 : 0, maximum: token === '?' ? 1 : Number.POSITIVE_INFINITY }
    }
    if (token !== '{') return undefined
    const end = tokens.indexOf('}', at)
    const [minimum = '', maximum = minimum] = tokens
      .slice(at + 1, end)
      .join('')
      .split(',')
    at = end + 1
    return { minimum: Number(minimum), maximum: maximum === '' ? Number.POSITIVE_INFINITY : Number(maximum) }
  }

  function one(depth: number): Part {
    const token = tokens[at++] as string
    if (token === '(') return group(depth)
    if (token === '^') return BEGINNING
    if (token === '$') return { kind: 'assert', holds: (text, index) => index === text.length }
    if (token === '\\b') return { kind: 'assert', holds: isWordBoundary }
    if (token === '\\B') return { kind: 'assert', holds: (text, index) => !isWordBoundary(text, index) }
    if (/^\\[1-9k]/.test(token)) throw unsupported('a backreference')
    return { kind: 'char', matches: matcherOf(token) }
  }

  function group(depth: number): Part {
    if (tokens[at] === '?') {
      const kind = tokens[at + 1]
      if (kind === ':') at += 2
      else if (kind === '<' && tokens[at + 2] !== '=' && tokens[at + 2] !== '!')
        at = tokens.indexOf('>', at) + 1
      else throw unsupported(kind === '=' || kind === '!' || kind === '<' ? 'a lookaround' : 'a modifier')
    }
    const part = choice(depth + 1)
    at += 1
    return part
  }

  return choice(0)
}

/** Whether a character, a code point in the sense of the flag `u`, is meant by a token. */
function matcherOf(token: string): (char: string) => boolean {
  if (token !== '.' && !token.startsWith('\\') && !token.startsWith('[')) return (char) => char === token
  const pattern = new RegExp(`^${token}$`, 'u')
  // `$` does not match before a line break here, since there is no flag `m`.
  const known = new Map<string, boolean>()
  return (char) => {
    if (char > '\xff') return pattern.test(char)
    const before = known.get(char)
    if (before !== undefined) return before
    const matches = pattern.test(char)
    known.set(char, matches)
    return matches
  }
}

function isWordBoundary(text: string, at: number): boolean {
  const isWord = (index: number) => /^\w$/.test(text[index] ?? '')
  return isWord(at - 1) !== isWord(at)
}

/** Makes the program of a pattern (Thompson's construction), in which repetitions are written out. */
function createProgram(source: string, whole: string): Program {
  const instructions: Instruction[] = []
  let made = 0

  function count(): void {
    made += 1
    if (made > MAX_INSTRUCTIONS)
      throw new SyntaxError(`the pattern ${whole} is too large, with its repetitions`)
  }

  function add(instruction: Instruction): number {
    count()
    return instructions.push(instruction) - 1
  }

  /** From the end to the beginning: each part knows what comes after it. */
  function emit(part: Part, next: number): number {
    if (part.kind === 'char') return add({ kind: 'char', matches: part.matches, next })
    if (part.kind === 'assert') return add({ kind: 'assert', holds: part.holds, next })
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

  const pattern = parse(source, whole)
  const start = emit(pattern, add({ kind: 'match' }))
  const isAnchored = pattern.kind === 'sequence' && pattern.parts[0] === BEGINNING
  return { instructions, start, isAnchored }
}

/** Whether a program matches a text anywhere. */
function run(
  { instructions, start, isAnchored }: Program,
  text: string,
  spend: (steps: number) => void,
): boolean {
  const seenAt = new Int32Array(instructions.length).fill(-1)
  const stack: number[] = []
  let current: number[] = []
  let looked = 0

  /** Follows what looks at no character; true when it leads to the end. */
  function follow(from: number, at: number, into: number[]): boolean {
    stack.push(from)
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      if (seenAt[place] === at) continue
      seenAt[place] = at
      looked += 1
      const instruction = instructions[place] as Instruction
      if (instruction.kind === 'match') return true
      if (instruction.kind === 'char') into.push(place)
      else if (instruction.kind === 'fork') for (const next of instruction.to) stack.push(next)
      else if (instruction.holds(text, at)) stack.push(instruction.next)
    }
    return false
  }

  for (let at = 0; ; ) {
    if ((at === 0 || !isAnchored) && follow(start, at, current)) return true
    if (at >= text.length || (isAnchored && current.length === 0)) return false
    const char = String.fromCodePoint(text.codePointAt(at) as number)
    at += char.length
    const next: number[] = []
    for (const place of current) {
      looked += 1
      const instruction = instructions[place] as Instruction & { readonly kind: 'char' }
      if (instruction.matches(char) && follow(instruction.next, at, next)) return true
    }
    current = next
    if (looked < STATES_IN_A_STEP) continue
    spend(Math.floor(looked / STATES_IN_A_STEP))
    looked %= STATES_IN_A_STEP
  }
}
