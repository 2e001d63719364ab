import { InvalidInputError } from '../domain/errors.ts'
import { MAX_ID } from '../domain/input.ts'

/**
 * @param field - what to name in the error.
 * @throws InvalidInputError for what cannot be the id of an entity.
 */
export function readId(text: unknown, field = 'id'): number {
  const id = typeof text === 'string' && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN
  if (id <= MAX_ID) return id
  throw new InvalidInputError({ [field]: [`must be a positive integer, at most ${MAX_ID}`] })
}
