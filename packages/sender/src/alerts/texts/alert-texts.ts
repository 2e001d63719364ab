import type { AttemptErrorCode } from '../../deliveries/attempt-error-code.ts'
import type { DisabledReason } from '../../endpoints/endpoint.ts'
import type { AlertKind } from '../alert-settings.ts'

/** What alerts say, in one language. Times and counts are given as they are to be read. */
export interface AlertTexts {
  readonly subjects: Readonly<Record<AlertKind | 'test', (url: string) => string>>
  noSuccessSince(time: string): string
  willBeDisabled(time: string): string
  readonly disabled: Readonly<Record<DisabledReason, (time: string) => string>>
  readonly getsNothing: string
  /** A delivery, or several since that time. */
  exhausted(count: number, shownCount: string, time: string): string
  isNotRetried(count: number): string
  succeedsSince(time: string): string
  readonly test: string
  /** The text of a link to the portal. */
  readonly open: string
  lastError(what: string, time: string): string
  /** Why an attempt failed whose response says nothing more. */
  readonly errors: Readonly<Record<AttemptErrorCode, string>>
}
