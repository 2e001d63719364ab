/** How long after each failed attempt to send an alert the next one begins. */
export const RETRY_AFTER_MS: readonly number[] = [10_000, 60_000, 300_000, 900_000]

export const LONGEST_ALERT_RETRY_MS: number = Math.max(...RETRY_AFTER_MS)
