import { PortalProblem } from './problem.ts'

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
  return value as JsonFields
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
