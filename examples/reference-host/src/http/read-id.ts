import { InvalidInputError } from '../domain/errors.ts'

/**
 * @param field - what to name in the error.
 * @throws InvalidInputError for what cannot be the id of an entity.
 */
export function readId(text: unknown, field = 'id'): number {
  if (typeof text === 'string' && /^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidInputError({ [field]: ['must be a positive integer'] })
}
