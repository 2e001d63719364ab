import type { RequestHandler } from 'express'
import { InvalidInputError } from '../domain/errors.ts'

/**
 * Refuses a query with other parameters than these, or one of them twice: a slip that would go unnoticed.
 *
 * @param known - none: the routes take no query.
 */
export function knownQuery(...known: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const [, search = ''] = request.originalUrl.split('?', 2)
    const names = [...new URLSearchParams(search).keys()]
    for (const [index, name] of names.entries()) {
      const shown = name.slice(0, 80)
      if (!known.includes(name)) {
        const rest = known.length === 0 ? 'none is' : `known are ${known.join(', ')}`
        throw new InvalidInputError({ [shown]: [`is no parameter that is known here; ${rest}`] })
      }
      if (names.indexOf(name) !== index) throw new InvalidInputError({ [shown]: ['must be given once'] })
    }
    next()
  }
}
