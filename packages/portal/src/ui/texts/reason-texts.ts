import type { AttemptErrorCode, DeliveryReason, EndpointHealthState } from '@x/sender'

/** Why a delivery is in its state, and how an endpoint does: a sentence for each code. */
export interface ReasonTexts {
  readonly reasons: {
    readonly [TCode in DeliveryReason['code']]: ReasonText<TCode>
  }
  readonly health: {
    readonly [TState in Exclude<EndpointHealthState, 'healthy' | 'disabled'>]: (
      when: string,
      why: string,
    ) => string
  } & {
    readonly healthy: string
    readonly pull: string
    readonly unverified: string
    readonly retryAfter: (until: string) => string
    readonly senderFault: (until: string) => string
    readonly rateLimited: (until: string) => string
    readonly disablesOn: (on: string) => string
    readonly waiting: string
    readonly oldest: string
    readonly next: string
    readonly lastErrors: string
    readonly tryNow: string
    readonly disabled: Readonly<Record<'manual' | 'gone' | 'failing' | 'unverified', (on: string) => string>>
  }
  /** The last attempts of an endpoint, in a row: "the last 5 attempts failed (HTTP 500)". */
  /** Follows a reason: who has done it. */
  doneBy(name: string): string
  failures(count: number, causes: string): string
  more(count: number, isCapped: boolean): string
  /** What an attempt came to without a response, in a word or two. */
  readonly attemptErrorNames: Readonly<Record<AttemptErrorCode, string>>
}

type ReasonText<TCode> = TCode extends 'queued' | 'predecessor'
  ? (ahead: number | undefined, isCapped: boolean) => string
  : TCode extends 'scheduled'
    ? (attempt: number, of: number, on: string) => string
    : TCode extends 'paused'
      ? (until: string, why: string) => string
      : TCode extends 'requested' | 'rate_limited' | 'disabled' | 'endpoint_deleted'
        ? (when: string) => string
        : string
