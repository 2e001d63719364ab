import { assertOption } from '../errors.ts'
import type { CircuitPolicy } from './circuit-breaker.ts'

/** When an endpoint is left alone for a while. */
export interface CircuitOptions {
  /**
   * Failures in a row (no answer, 429, 5xx) after which an endpoint is asked one thing at a time, with
   * pauses. What is due meanwhile waits, and loses no attempt. 429, 502, 503 and 504 do it at once.
   * @defaultValue 5
   */
  readonly failures?: number | undefined
  /**
   * The first pause, in seconds; each is twice as long as the one before.
   * @defaultValue 1
   */
  readonly firstPauseSeconds?: number | undefined
  /**
   * The longest pause, in seconds, unless the consumer asks for more by Retry-After.
   * @defaultValue 300
   */
  readonly maxPauseSeconds?: number | undefined
}

const DAY_MS = 24 * 60 * 60 * 1_000

/** @throws WebhookSenderError `invalid_option` */
export function readCircuitPolicy({
  disableAfterDays = 5,
  circuit = {},
}: {
  readonly disableAfterDays?: number | undefined
  readonly circuit?: CircuitOptions | undefined
}): CircuitPolicy {
  const { firstPauseSeconds = 1, maxPauseSeconds = 300 } = circuit
  assertOption.number('disableAfterDays', disableAfterDays, 0.01, 3_650)
  assertOption.number('circuit.firstPauseSeconds', firstPauseSeconds, 0, 86_400)
  assertOption.number('circuit.maxPauseSeconds', maxPauseSeconds, firstPauseSeconds, 86_400)
  return Object.freeze({
    disableAfterMs: disableAfterDays * DAY_MS,
    failures: assertOption.integer('circuit.failures', circuit.failures ?? 5, 1),
    firstPauseMs: firstPauseSeconds * 1_000,
    maxPauseMs: maxPauseSeconds * 1_000,
  })
}
