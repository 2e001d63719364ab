import { type Clock, EventsError, type FieldNames, isPlainObject, systemClock } from '@x/events-core'
import { parseVerifyingKeys, type VerifyingKey } from './keys.ts'

/** Options of `createVerifier`. */
export interface VerifierOptions {
  /** `whsec_` or `whpk_`, one or more; a message is accepted when a signature fits any of them. */
  readonly secrets: string | readonly string[]
  /**
   * How far a timestamp may lie from the present, on both sides.
   *
   * @defaultValue 300
   */
  readonly toleranceSeconds?: number | undefined
  /**
   * The time that timestamps are compared with.
   *
   * @defaultValue the machine's clock
   */
  readonly clock?: Pick<Clock, 'now'> | undefined
}

/** {@link VerifierOptions}, checked and complete. */
export interface VerifierSettings {
  readonly keys: readonly VerifyingKey[]
  readonly toleranceSeconds: number
  readonly clock: Pick<Clock, 'now'>
}

const DEFAULT_TOLERANCE_SECONDS = 300

const NAMES: FieldNames<VerifierOptions> = { secrets: true, toleranceSeconds: true, clock: true }

// Not `createAssertion`: this is part of every bundle that verifies.
function assertOption(fits: boolean, name: string, expected: string, value: unknown): void {
  if (fits) return
  const got = value === null || typeof value === 'number' ? value : typeof value
  throw new EventsError('invalid_argument', `createVerifier: options${name} must be ${expected}; got ${got}`)
}

/**
 * Checks the options of a verifier and fills in what they leave out.
 *
 * @throws EventsError (`invalid_argument`), naming the option; {@link WebhookKeyError} when a key cannot be used.
 */
export function resolveVerifierOptions(options: VerifierOptions): VerifierSettings {
  assertOption(isPlainObject(options), '', 'a plain object', options)
  for (const name of Object.keys(options)) {
    const there = Object.keys(NAMES).join(', ')
    const expected = `left out, since there is none of that name; there are ${there}`
    assertOption(Object.hasOwn(NAMES, name), `.${name}`, expected, options[name as never])
  }
  const { secrets, toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, clock = systemClock } = options
  // NaN would make every comparison false, and so accept any timestamp.
  const isTolerance = Number.isFinite(toleranceSeconds) && toleranceSeconds >= 0
  assertOption(isTolerance, '.toleranceSeconds', 'a number of seconds, 0 or more', toleranceSeconds)
  assertOption(typeof clock?.now === 'function', '.clock', 'a Clock', clock)
  return { keys: parseVerifyingKeys(secrets), toleranceSeconds, clock }
}
