/** A word that is not used any more: see docs/glossary.md. */
export interface RetiredWord {
  readonly word: RegExp
  /** The term to use. */
  readonly use: string
  /** The files that are free of it: the beginnings of their paths. More are added as they follow. */
  readonly in: readonly string[]
  /** Phrases in which the word is ordinary English, or has another meaning. */
  readonly except?: RegExp
}

const EVERYWHERE = ['packages/', 'internal/', 'docs/', 'examples/', 'README.md']
const ENGINE = ['packages/events-core/', 'packages/events-engine/', 'packages/client/']

/** The words that are refused. A new one is added to docs/glossary.md first. */
export const retiredWords: readonly RetiredWord[] = [
  {
    word: /stretch(?:es)?/i,
    use: 'batch, or range',
    in: EVERYWHERE,
    except: /stretch of (?:that length|so many|time)|such stretch of time/i,
  },
  {
    word: /\bset(?:s|ting)? aside\b|setAside/i,
    use: 'park',
    in: ['docs/guides/', 'packages/portal/', ...ENGINE],
  },
  {
    word: /\blanes?\b/i,
    use: 'partition (engine), leased endpoint or ordering key (sender)',
    in: ['packages/events-engine/src/', 'packages/sender/src/', 'docs/guides/'],
  },
  { word: /\bverdicts?\b/i, use: 'outcome', in: ['packages/sender/'] },
  { word: /\bblame[sd]?\b/i, use: 'attribute', in: ['packages/sender/'] },
  { word: /tall(?:y|ies)\b/i, use: 'counters', in: ['packages/sender/', 'docs/guides/'] },
  {
    word: /\b(?:shelved?|hungry)\b/i,
    use: 'drop what was prefetched, or needs more',
    in: ['packages/sender/src/'],
  },
  {
    word: /\b(?:group commit|result recorder|hand-over)\b/i,
    use: 'result writer, or prefetch',
    in: ['packages/sender/src/'],
  },
  { word: /\brefuseUnless\b/, use: 'assertX', in: EVERYWHERE },
  {
    word: /\bdemand(?=[A-Z])/,
    use: 'assertX',
    in: EVERYWHERE,
  },
  { word: /\bmended?\b/i, use: 'repair', in: ['packages/sender/src/'] },
  { word: /events-engine\/support\b/, use: '@x/events-engine/internal', in: EVERYWHERE },
  { word: /\binvalid_answer\b/, use: 'invalid_response', in: EVERYWHERE },
  {
    word: /\b(?:whoever|somebody)\b/i,
    use: 'a noun',
    in: ENGINE,
  },
]

/** A retired word in a line of a file. */
export interface RetiredUse {
  /** Counted from 1. */
  readonly line: number
  readonly found: string
  readonly use: string
}

/**
 * Finds the retired words of a file.
 *
 * @param file - its path, relative to the root.
 */
export function findRetiredWords(file: string, text: string): RetiredUse[] {
  const words = retiredWords.filter((one) => one.in.some((path) => file.startsWith(path)))
  if (words.length === 0) return []
  return text.split('\n').flatMap((line, index) =>
    words.flatMap(({ word, use, except }) => {
      const rest = except ? line.replaceAll(new RegExp(except.source, `${except.flags}g`), '') : line
      const found = word.exec(rest)?.[0]
      return found === undefined ? [] : [{ line: index + 1, found, use }]
    }),
  )
}
