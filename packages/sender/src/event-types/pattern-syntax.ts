/** What a part of a pattern is: made into instructions as often as it is repeated. */
export type Part =
  | { readonly kind: 'char'; readonly matches: (codePoint: number) => boolean }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: 'lookahead'; readonly part: Part; readonly isWanted: boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly Part[] }
  | { readonly kind: 'choice'; readonly parts: readonly Part[] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly minimum: number; readonly maximum: number }

/** The beginning of a text. */
export const BEGINNING: Part = { kind: 'assert', holds: (_text, at) => at === 0 }

const MAX_DEPTH = 50
const REMEMBERED = 256

// An escape, with what belongs to it; a class; any other character.
const TOKENS =
  /\\(?:u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<[^>]*>|.)|\[(?:\\.|[^\]\\])*\]|./gsu

/**
 * Reads a valid pattern.
 *
 * @throws SyntaxError for what cannot be matched in linear time.
 */
export function parsePattern(source: string): Part {
  const tokens: readonly string[] = source.match(TOKENS) ?? []
  let at = 0

  function unsupported(what: string): SyntaxError {
    return new SyntaxError(`the pattern ${source} has ${what}, which cannot be matched in linear time`)
  }

  function choice(depth: number): Part {
    if (depth > MAX_DEPTH) throw new SyntaxError(`the pattern ${source} is nested too deeply`)
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
    const opening = openingOf()
    const part = choice(depth + 1)
    at += 1
    return opening === '=' || opening === '!' ? { kind: 'lookahead', part, isWanted: opening === '=' } : part
  }

  /** Passes over what says which kind of group it is. */
  function openingOf(): string | undefined {
    if (tokens[at] !== '?') return undefined
    const opening = tokens[at + 1]
    const isLookbehind = opening === '<' && (tokens[at + 2] === '=' || tokens[at + 2] === '!')
    if (isLookbehind) throw unsupported('a lookbehind')
    if (opening === '<') at = tokens.indexOf('>', at) + 1
    else if (opening === ':' || opening === '=' || opening === '!') at += 2
    else throw unsupported('a modifier')
    return opening
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
