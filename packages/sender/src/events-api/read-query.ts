import { EventsApiProblem, invalidParameter } from './problem.ts'

/** What a consumer asks for. */
export interface MessagesQuery {
  /** Undefined: from the oldest message that is left. */
  readonly after: number | 'latest' | undefined
  readonly limit: number
  readonly waitMs: number
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 250
const MAX_WAIT_SECONDS = 30
const KNOWN = ['after', 'limit', 'wait']

/**
 * Reads the query of a URL. A parameter that is not known is a slip, which would otherwise go unnoticed.
 *
 * @throws EventsApiProblem 400
 */
export function readQuery(query: URLSearchParams): MessagesQuery {
  for (const name of new Set(query.keys())) {
    const shown = JSON.stringify(name.slice(0, 80))
    if (!KNOWN.includes(name)) {
      throw new EventsApiProblem(
        400,
        'unknown_parameter',
        `There is no parameter ${shown}; known are ${KNOWN.join(', ')}.`,
        {
          field: name.slice(0, 80),
        },
      )
    }
    if (query.getAll(name).length > 1) throw invalidParameter(name, `${name} must be given once.`)
  }
  const after = query.get('after')
  return {
    after:
      after === null || after === 'latest'
        ? (after ?? undefined)
        : wholeOf('after', after, 0, Number.MAX_SAFE_INTEGER, "the number of a message, 0, or 'latest'"),
    limit: wholeOf('limit', query.get('limit') ?? String(DEFAULT_LIMIT), 1, MAX_LIMIT),
    waitMs: wholeOf('wait', query.get('wait') ?? '0', 0, MAX_WAIT_SECONDS) * 1_000,
  }
}

function wholeOf(
  field: string,
  text: string,
  least: number,
  most: number,
  expected = `an integer from ${least} to ${most}`,
): number {
  // Number() also takes 0x10, 1e9, -0 and spaces.
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw invalidParameter(field, `${field} must be ${expected}; got ${JSON.stringify(text.slice(0, 80))}.`)
}
