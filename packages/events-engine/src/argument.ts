import { isStorableDate } from '@x/events-core'
import { EventEngineError, shown } from './errors.ts'

/**
 * Refuses a date from outside that is none, or that PostgreSQL or the sync API cannot write.
 *
 * @throws EventEngineError `invalid_argument`
 */
export function assertDate(call: string, name: string, value: unknown): asserts value is Date {
  if (!isStorableDate(value)) throw invalid(call, name, 'a valid Date of the years 1 to 9999', value)
}

/**
 * Refuses a number from outside that is not whole, or out of range.
 *
 * @throws EventEngineError `invalid_argument`
 */
export function assertWhole(
  call: string,
  name: string,
  value: unknown,
  minimum: number = Number.MIN_SAFE_INTEGER,
  maximum: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum) return
  const isBounded = minimum !== Number.MIN_SAFE_INTEGER || maximum !== Number.MAX_SAFE_INTEGER
  throw invalid(call, name, isBounded ? `an integer from ${minimum} to ${maximum}` : 'an integer', value)
}

function invalid(call: string, name: string, expected: string, value: unknown): EventEngineError {
  return new EventEngineError(
    'invalid_argument',
    `${call}: ${name} must be ${expected}; got ${shown(value)}.`,
  )
}
