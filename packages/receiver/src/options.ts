import { type Clock, EventsError, systemClock } from '@x/events-core'
import type { ReplayStore } from './replay-store.ts'

/** Secrets, or where to get them. */
export type SecretSource =
  | string
  | readonly string[]
  | (() => string | readonly string[] | Promise<string | readonly string[]>)

/** Options of `createReceiver`. */
export interface ReceiverOptions {
  /**
   * What the sender signs with: `whsec_...` (shared secret) or `whpk_...` (public key). Several while
   * they are being rotated. A function is called for every message, so that secrets may come from a
   * vault or change at run time; it should keep what it fetched.
   */
  readonly secrets: SecretSource
  /**
   * How far a message's timestamp may lie from the present, on both sides.
   *
   * @defaultValue 300
   */
  readonly toleranceSeconds?: number | undefined
  /**
   * The longest body that is read. Longer ones are refused before anything is hashed.
   *
   * @defaultValue 1_048_576 (1 MiB)
   */
  readonly maxBodyBytes?: number | undefined
  /**
   * Keeps handlers from running twice for one message. Used by `handle` and the adapters; `verify`
   * leaves it alone, since it does not know whether the caller's work will succeed.
   *
   * @defaultValue none: a message that is delivered twice is handled twice
   */
  readonly replayStore?: ReplayStore | undefined
  /**
   * The time that timestamps are compared with.
   *
   * @defaultValue the machine's clock
   */
  readonly clock?: Clock | undefined
}

/** {@link ReceiverOptions}, checked and complete. */
export interface ReceiverSettings {
  readonly secrets: SecretSource
  readonly toleranceSeconds: number
  readonly maxBodyBytes: number
  readonly replayStore: ReplayStore | undefined
  readonly clock: Clock
}

const DEFAULTS = { toleranceSeconds: 300, maxBodyBytes: 1_048_576 }

function invalid(path: string, must: string, got: unknown): EventsError {
  return new EventsError(
    'invalid_argument',
    `createReceiver: options.${path} must be ${must}; got ${String(got)}`,
  )
}

/**
 * Checks the options of a receiver and fills in what they leave out.
 *
 * @throws EventsError (`invalid_argument`), naming the option.
 */
export function resolveReceiverOptions(options: ReceiverOptions): ReceiverSettings {
  if (typeof options !== 'object' || options === null) {
    throw new EventsError(
      'invalid_argument',
      `createReceiver: options must be an object; got ${typeof options}`,
    )
  }
  const {
    secrets,
    toleranceSeconds = DEFAULTS.toleranceSeconds,
    maxBodyBytes = DEFAULTS.maxBodyBytes,
    replayStore,
    clock = systemClock,
  } = options
  if (!Number.isFinite(toleranceSeconds) || toleranceSeconds < 0) {
    throw invalid('toleranceSeconds', 'a number of seconds, 0 or more', toleranceSeconds)
  }
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 1) {
    throw invalid('maxBodyBytes', 'a whole number of bytes, 1 or more', maxBodyBytes)
  }
  for (const method of ['begin', 'complete', 'release'] as const) {
    if (replayStore && typeof replayStore[method] !== 'function') {
      throw invalid('replayStore', `a ReplayStore, with a method ${method}`, typeof replayStore[method])
    }
  }
  return Object.freeze({ secrets, toleranceSeconds, maxBodyBytes, replayStore, clock })
}
