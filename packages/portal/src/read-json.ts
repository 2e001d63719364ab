import { invalidArgument, PortalProblem } from './problem.ts'

/** The fields of a request's body. */
export type JsonFields = Readonly<Record<string, unknown>>

const MAX_BODY_BYTES = 64 * 1024
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

/**
 * Reads a JSON object of known fields; no body at all is an empty one. An unknown field is refused: it
 * is a slip that would otherwise go unnoticed.
 *
 * @throws PortalProblem 400, 413, 415
 */
export async function readJsonFields(request: Request, known: readonly string[]): Promise<JsonFields> {
  const bytes = await readBytes(request)
  if (bytes.length === 0) return {}
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? '')) {
    throw new PortalProblem(415, 'unsupported_media_type', 'The body must be sent as application/json.')
  }
  const value = parse(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PortalProblem(400, 'invalid_json', 'The body must be a JSON object.')
  }
  for (const field of Object.keys(value)) {
    if (known.includes(field)) continue
    const shown = field.slice(0, 80)
    throw new PortalProblem(
      400,
      'unknown_field',
      `There is no field ${JSON.stringify(shown)}; known are ${known.join(', ')}.`,
      {
        field: shown,
      },
    )
  }
  for (const [field, part] of Object.entries(value)) assertPlain(field, part, 0)
  return value as JsonFields
}

const MAX_DEPTH = 20

/** Everything in a value, however deep. */
function assertPlain(field: string, value: unknown, depth: number): void {
  if (typeof value === 'string') assertPlainText(field, value)
  if (typeof value !== 'object' || value === null) return
  if (depth === MAX_DEPTH)
    throw invalidArgument(field, `${field} must not be nested deeper than ${MAX_DEPTH}.`)
  for (const [name, part] of Object.entries(value)) {
    assertPlainText(field, name)
    assertPlain(field, part, depth + 1)
  }
}

/**
 * Refuses what is no text to any database: PostgreSQL stores neither a NUL nor half a surrogate pair.
 *
 * @throws PortalProblem 400
 */
export function assertPlainText(field: string, text: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  throw invalidArgument(field, `${field} must be a text without NUL characters or half surrogate pairs.`)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new PortalProblem(400, 'invalid_json', 'The body is not valid JSON in UTF-8.')
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length')) > MAX_BODY_BYTES) throw tooLarge()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += (chunk as Uint8Array).length
    if (length > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks, length)
}

function tooLarge(): PortalProblem {
  return new PortalProblem(413, 'body_too_large', `The body must have at most ${MAX_BODY_BYTES} bytes.`, {
    headers: { connection: 'close' },
  })
}
