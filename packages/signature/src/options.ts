import { type Clock, EventsError, systemClock } from '@x/events-core'
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

/** Checks the options of a verifier and fills in what they leave out. */
export function resolveVerifierOptions(options: VerifierOptions): VerifierSettings {
  const { secrets, toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, clock = systemClock } = options
  // NaN would make every comparison false, and so accept any timestamp.
  if (!Number.isFinite(toleranceSeconds) || toleranceSeconds < 0) {
    throw new EventsError(
      'invalid_argument',
      `createVerifier: options.toleranceSeconds must be a number of seconds, 0 or more; got ${String(toleranceSeconds)}`,
    )
  }
  return { keys: parseVerifyingKeys(secrets), toleranceSeconds, clock }
}
