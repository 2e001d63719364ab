import type { AttemptErrorCode } from '@x/sender'
import type { ProblemCode } from '../problem-codes.ts'

/** Texts for everything that can go wrong, by code. */
export interface ProblemTexts {
  readonly problems: Readonly<Record<ProblemCode, string>>
  /** What a field wants, where the code only says that it was wrong. */
  readonly fieldProblems: Readonly<
    Record<
      | 'url'
      | 'description'
      | 'eventTypes'
      | 'headers'
      | 'ordering'
      | 'concurrency'
      | 'rateLimit'
      | 'ratePerSeconds'
      | 'retrySchedule'
      | 'metadata'
      | 'format'
      | 'signature'
      | 'secret'
      | 'since'
      | 'until'
      | 'eventType',
      string
    >
  >
  /** What a client certificate wants, by its part; `url` where it is about the whole. */
  readonly certificateProblems: Readonly<Record<'url' | 'cert' | 'key' | 'passphrase', string>>
  readonly attemptErrors: Readonly<Record<AttemptErrorCode, string>>
  readonly warnings: Readonly<Record<'all_event_types' | 'duplicate_url' | 'unresolved_host', string>>
  readonly problem: {
    readonly unavailable: string
    unknown(status: number): string
    readonly unknownEventType: string
    meant(names: string): string
    at(part: string): string
  }
}
