/** What a part of a pattern is: made into instructions as often as it is repeated. */
export type Part =
  | { readonly kind: 'char'; readonly matches: (codePoint: number) => boolean }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly Part[] }
  | { readonly kind: 'choice'; readonly parts: readonly Part[] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly minimum: number; readonly maximum: number }

/** The beginning of a text. */
export const BEGINNING: Part = { kind: 'assert', holds: (_text, at) => at === 0 }

const MAX_DEPTH = 50
const REMEMBERED = 256

/** `^(?=a)(?!b)c` is `^a`, and not `^b`, and `^c`. */
export function splitLookaheads(source: string) {
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
  /\\(?:u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<[^>]*>|.)|\[(?:\\.|[^\]\\])*\]|./suy

function* tokensOf(source: string, start: number): Generator<{ readonly at: number; readonly text: string }> {
  const token = new RegExp(TOKEN)
  token.lastIndex = start
  for (let found = token.exec(source); found; found = token.exec(source)) {
    yield { at: found.index, text: found[0] }
  }
}

/**
 * Reads a valid pattern.
 *
 * @param whole - the pattern that it is a part of.
 * @throws SyntaxError for what cannot be matched in linear time.
 */
export function parsePattern(source: string, whole: string): Part {
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

/** Whether a code point is meant by a token. What V8 says of the first 256 is remembered: they are the most frequent. */
function matcherOf(token: string): (codePoint: number) => boolean {
  const isItself = token !== '.' && !token.startsWith('\\') && !token.startsWith('[')
  const itself = token.codePointAt(0)
  if (isItself) return (codePoint) => codePoint === itself
  const pattern = new RegExp(`^${token}$`, 'u')
  const matches = (codePoint: number) => pattern.test(String.fromCodePoint(codePoint))
  const known = Uint8Array.from({ length: REMEMBERED }, (_, codePoint) => (matches(codePoint) ? 1 : 0))
  return (codePoint) => (codePoint < REMEMBERED ? known[codePoint] === 1 : matches(codePoint))
}

function isWordBoundary(text: string, at: number): boolean {
  const isWord = (index: number) => /^\w$/.test(text[index] ?? '')
  return isWord(at - 1) !== isWord(at)
}
