import { EventsError } from '@x/events-core'
import { WebhookVerificationError } from './errors.ts'
import type { RawWebhookHeaders } from './read-headers.ts'

// Digits and nothing else. `parseInt` and `Number` would also read '1e9', ' 1', '0x1' or '1.5'.
const SECONDS = /^(?:0|[1-9][0-9]{0,11})$/

/**
 * Reads the timestamp of a message and checks that it is near the present, on both sides: an old message
 * may be a replay, and one from the future could be kept for one.
 *
 * @returns seconds since 1970.
 * @throws {@link WebhookVerificationError}, and EventsError (`invalid_argument`) for a clock that gives no time.
 */
export function checkTimestamp(
  { family, timestamp: text }: RawWebhookHeaders,
  nowMs: number,
  toleranceSeconds: number,
): number {
  if (!SECONDS.test(text)) {
    throw new WebhookVerificationError(
      'invalid_timestamp',
      `The header ${family}-timestamp must be whole seconds since 1970, in digits only.`,
    )
  }
  if (!Number.isFinite(nowMs)) throw new EventsError('invalid_argument', 'The clock gives no number.')
  const timestamp = Number(text)
  const ageSeconds = Math.floor(nowMs / 1000) - timestamp
  if (Math.abs(ageSeconds) > toleranceSeconds) {
    const isOld = ageSeconds > 0
    throw new WebhookVerificationError(
      isOld ? 'timestamp_too_old' : 'timestamp_too_new',
      `The webhook was signed ${Math.abs(ageSeconds)} s ${isOld ? 'ago' : 'in the future'}; ` +
        `at most ${toleranceSeconds} s are accepted. Compare the clocks.`,
    )
  }
  return timestamp
}
