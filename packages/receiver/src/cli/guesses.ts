import type { RawWebhookHeaders } from '@x/signature'

/** Something that often goes wrong, tried in reverse: with it, the signature fits. */
export interface Guess<TValue> {
  readonly value: TValue
  /** What went wrong, if this is it; undefined for things as they were captured. */
  readonly explanation?: string
}

const BOM = '\ufeff'

// As Python's json.dumps writes it, and other serialisers that escape what is not ASCII.
function asciiJson(value: unknown, separators: boolean): string {
  const json = separators ? spaced(value) : JSON.stringify(value)
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`)
  return `{${members.join(', ')}}`
}

function serialisations(text: string): Guess<string>[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text.replace(BOM, ''))
  } catch {
    return []
  }
  const explanation =
    'The body was parsed and written again: what was signed has other white space or escapes. Keep the bytes as they arrive.'
  return [
    JSON.stringify(parsed),
    JSON.stringify(parsed, null, 2),
    JSON.stringify(parsed, null, 4),
    JSON.stringify(parsed, null, '\t'),
    spaced(parsed),
    asciiJson(parsed, true),
    asciiJson(parsed, false),
  ].map((value) => ({ value, explanation }))
}

/** What the sender may have signed instead of the body that was captured. */
export function guessBodies(body: Buffer): Guess<Buffer>[] {
  const text = body.toString('utf8')
  const lines = text.replaceAll('\r\n', '\n')
  const asText: Guess<string>[] = [
    { value: text.replace(/\r?\n$/, ''), explanation: 'A line break was added at the end of the body.' },
    { value: `${text}\n`, explanation: 'The line break at the end of the body is missing.' },
    { value: `${text}\r\n`, explanation: 'The line break (CR LF) at the end of the body is missing.' },
    { value: lines, explanation: 'Line breaks in the body became CR LF.' },
    { value: lines.replaceAll('\n', '\r\n'), explanation: 'Line breaks (CR LF) in the body became LF.' },
    { value: text.replace(BOM, ''), explanation: 'A byte order mark was put before the body.' },
    { value: BOM + text, explanation: 'The byte order mark before the body was taken away.' },
    { value: text.trim(), explanation: 'White space was added around the body.' },
    { value: '', explanation: 'The sender signed an empty body.' },
    ...serialisations(text), // last: it covers some of the above, less precisely
  ]
  const recoded = 'The body was decoded with another encoding than UTF-8 and encoded again.'
  return [
    { value: body },
    ...asText.map(({ value, explanation = '' }) => ({ value: Buffer.from(value), explanation })),
    { value: Buffer.from(text, 'latin1'), explanation: recoded },
    { value: Buffer.from(body.toString('latin1')), explanation: recoded },
  ]
}

/** What the sender may have used as a key instead of what the secret stands for. */
export function guessKeys(secret: string): Guess<Buffer>[] {
  const bare = secret.replace(/^whsec_/, '')
  return [
    { value: Buffer.from(bare, 'base64') },
    {
      value: Buffer.from(bare),
      explanation: 'The sender uses the text after whsec_ as the key; it has to decode it as base64.',
    },
    {
      value: Buffer.from(secret),
      explanation:
        'The sender uses the secret as it is written as the key; it has to decode what follows whsec_.',
    },
  ]
}

/** What the sender may have put before the body. */
export function guessHeads({ family, id, timestamp }: RawWebhookHeaders): Guess<string>[] {
  const trimmed = id.trim()
  return [
    { value: `${id}.${timestamp}.` },
    { value: `${trimmed}.${timestamp}.`, explanation: `White space was added around ${family}-id.` },
    {
      value: `${id}.${timestamp}000.`,
      explanation: 'The sender signs the timestamp in milliseconds; it has to sign what it sends.',
    },
    { value: `${timestamp}.`, explanation: `The sender signs without ${family}-id (as Stripe does).` },
    {
      value: '',
      explanation: `The sender signs the body alone, without ${family}-id and ${family}-timestamp.`,
    },
  ]
}
