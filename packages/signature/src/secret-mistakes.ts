type Mistakes = readonly (readonly [pattern: RegExp, mistake: string])[]

// What people paste instead of a secret, and the remedy; the first that fits counts. Short, since it is part of
// every bundle.
const OF_PASTED_TEXT: Mistakes = [
  [/^\s*(?:wh\w\w?\w?_)?\s*$/, 'is empty. Is an environment variable missing?'],
  [
    /^\s*(?:wh\w+_)?(?:undefined|null|none|nil|nan|\[object \w+\])\s*$/i,
    'is the word for a missing value. Is an environment variable missing?',
  ],
  [
    /[\ufeff\u00ad\u200b-\u200f\u2028-\u202e\u2060]/,
    'has an invisible character (a byte order mark, say). Save its file as UTF-8 without one, or type that place anew.',
  ],
  [/-----BEGIN/, 'looks like a PEM file.'],
  [/^\s*["'`\u00ab\u2018-\u201f]|["'`\u00bb\u2018-\u201f]\s*$/, 'is in quotes. Remove them.'],
  [/^\s*\w+:\/\//, 'looks like a URL.'],
  [/^\s*(?:[$<]|%\w+%|\{\{|process\.env)/, 'looks like the name of a variable. Put its value in its place.'],
  [/^\s*[[{]/, 'looks like JSON. Give the value alone.'],
  [
    /^\s*(?:export\s+)?[a-z_][\w.-]*\s*[=:]\s*(?!=*\s*$)/i,
    'looks like a line of name and value. Give the value alone.',
  ],
  [/^\s*(?:bearer|basic|token)\s/i, 'looks like an Authorization header.'],
  [/\*\*|\u2022|\u2026|\.\./, 'is masked or shortened. Copy all of it.'],
  [/\s|\\[nrt]/, 'has white space or a line break in it. Remove it.'],
  [/%[0-9a-f]{2}/i, 'is percent-encoded. Decode it.'],
  [/[,;]$/, 'ends with a comma or semicolon. Remove it.'],
]

const OF_LABELS: Mistakes = [
  [/^\s*v1a?,\s*wh\w+_/i, 'begins with the label of a signature. Remove what is before whsec_ or whpk_.'],
  [/^\s*v1a?,/i, 'looks like a signature.'],
  [/^\s*(?:wh\w+_\s*){2}/, 'has its prefix twice. Remove one.'],
  [/wh(?:sec|pk|sk)_.*[\s,;|].*wh(?:sec|pk|sk)_/s, 'looks like several in one text. Give a list.'],
]

const OF_BASE64: Mistakes = [
  [/^wh(?:sec|pk|sk)_.*[-_]/, 'is in base64 for URLs. Write + for - and / for _.'],
  [/^wh(?:sec|pk|sk)_/, 'is not padded base64. Copy all of it.'],
  [/^wh(?:sec|pk|sk)[_-]/i, 'has a misspelled prefix. Write whsec_, whpk_ or whsk_, in small letters.'],
  [/(?:)/, 'begins with none of whsec_, whpk_ and whsk_.'],
]

function mistakeOf(text: string, lists: readonly Mistakes[]): string | undefined {
  return lists.flat().find(([pattern]) => pattern.test(text))?.[1]
}

/**
 * Says what a text looks like that is no key of any kind, and the remedy, without repeating any of it: for those who
 * read other keys that people paste.
 *
 * @returns a sentence to be put behind its subject ("The key is in quotes. ..."); undefined when it looks like nothing
 * in particular.
 *
 * @example
 * ```ts
 * import { pastedMistake } from '@x/signature'
 *
 * pastedMistake('"c2VjcmV0"') // 'is in quotes. Remove them.'
 * ```
 */
export function pastedMistake(text: string): string | undefined {
  return mistakeOf(text, [OF_PASTED_TEXT])
}

/** As {@link pastedMistake}, of a text that is no `whsec_`, `whpk_` or `whsk_`. */
export function secretMistake(text: string): string {
  const mistake = mistakeOf(text, [OF_LABELS, OF_PASTED_TEXT, OF_BASE64])
  return `${mistake} A secret is whsec_ and base64, as the sender shows it for the endpoint; a public key, whpk_.`
}
