import type { FieldNames } from '@x/events-core'
import type { AttemptErrorCode } from '../deliveries/attempt-error-code.ts'
import type { PauseCause } from '../endpoints/endpoint-health.ts'
import { assertOption } from '../errors.ts'
import type { Outcome } from './outcome.ts'

/** When an endpoint is left alone for a while. */
export interface CircuitOptions {
  /**
   * Failures in a row (no response, 429, 5xx) after which an endpoint is sent one request at a time, with
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

/** When an endpoint is said to be failing: when both are reached, and nothing has succeeded since the first failure. */
export interface FailingAfter {
  /**
   * Failed attempts in a row.
   * @defaultValue 3
   */
  readonly failures?: number | undefined
  /**
   * Minutes since the first of them, so that a restart of the consumer is no news.
   * @defaultValue 5
   */
  readonly minutes?: number | undefined
}

/** When to pause an endpoint, when to tell that it is failing, and when to disable it. */
export interface CircuitPolicy {
  readonly disableAfterMs: number
  /** Failures in a row, and the time since the first of them, after which it is reported. */
  readonly failingAfter: { readonly failures: number; readonly ms: number }
  /** Failures in a row that open the circuit. */
  readonly failures: number
  readonly firstPauseMs: number
  readonly maxPauseMs: number
}

const DAY_MS = 24 * 60 * 60 * 1_000
const CIRCUIT: FieldNames<CircuitOptions> = {
  failures: true,
  firstPauseSeconds: true,
  maxPauseSeconds: true,
}
const FAILING_AFTER: FieldNames<FailingAfter> = {
  failures: true,
  minutes: true,
}

/** @throws WebhookSenderError `invalid_option` */
export function readCircuitPolicy({
  disableAfterDays = 5,
  ...options
}: {
  readonly disableAfterDays?: number | undefined
  readonly failingAfter?: FailingAfter | undefined
  readonly circuit?: CircuitOptions | undefined
}): CircuitPolicy {
  const circuit = assertOption.fields('circuit', options.circuit, CIRCUIT)
  const { firstPauseSeconds = 1, maxPauseSeconds = 300 } = circuit
  const failingAfter = assertOption.fields('failingAfter', options.failingAfter, FAILING_AFTER)
  const { failures = 3, minutes = 5 } = failingAfter
  assertOption.number('disableAfterDays', disableAfterDays, 0.01, 3_650)
  assertOption.integer('failingAfter.failures', failures, 1)
  assertOption.number('failingAfter.minutes', minutes, 0, 525_600)
  assertOption.number('circuit.firstPauseSeconds', firstPauseSeconds, 0, 86_400)
  assertOption.number('circuit.maxPauseSeconds', maxPauseSeconds, firstPauseSeconds, 86_400)
  return Object.freeze({
    disableAfterMs: disableAfterDays * DAY_MS,
    failingAfter: Object.freeze({ failures, ms: minutes * 60_000 }),
    failures: assertOption.integer('circuit.failures', circuit.failures ?? 5, 1),
    firstPauseMs: firstPauseSeconds * 1_000,
    maxPauseMs: maxPauseSeconds * 1_000,
  })
}

/** What is stored of a circuit breaker. */
export interface StoredCircuit {
  /** Since when no attempt has succeeded; null while they do. */
  readonly failingSince: number | null
  /** No attempt before this time. */
  readonly notBefore: number
  /** JSON, for this package alone. */
  readonly details: string | null
}

/** How much of the time until it is disabled has passed when an endpoint is reported as failing: 0 is the first time. */
export type FailingPercent = 0 | 50 | 70 | 90

/** What is reported to the host about an endpoint. */
export type EndpointNotice =
  | {
      readonly kind: 'failing'
      readonly percent: FailingPercent
      readonly failingSince: number
      readonly disablesOn: number
    }
  | { readonly kind: 'recovered'; readonly failingSince: number }
  | { readonly kind: 'disabled'; readonly reason: 'failing' | 'gone'; readonly failingSince: number | null }

/** The place of an attempt in the order of beginnings, and the latest beginning by the time it ends. */
export interface AttemptOrder {
  readonly begun: number
  readonly latest: number
  /** Whether the endpoint was paused when it began: a person had asked for it. */
  readonly wasPaused: boolean
}

/** Decides from outcomes whether an endpoint gets attempts, and when it is disabled. */
export interface CircuitBreaker extends StoredCircuit {
  /** Open until then; half-open after it, unless it is closed. */
  readonly notBefore: number
  /** Half-open, it lets one request at a time through. */
  readonly isClosed: boolean
  /** Rises with every change: what has to be stored. */
  readonly changes: number
  /** Since when attempts have failed for reasons that may be the sender's; null while they do not. */
  readonly ownFaultsSince: number | null
  note(outcome: Outcome, attempt: AttemptOrder, now: number): EndpointNotice | null
}

/** A failed attempt: when it ended, with which code, and the status of the response if there was one. */
export type FailureMark = readonly [on: number, code: AttemptErrorCode, status: number | null]

interface Details {
  /** The latest failure. */
  readonly failedOn: number
  /** Failed attempts since {@link StoredCircuit.failingSince}, of whatever kind. */
  readonly failures: number
  /** What was reported last of this time of failing; null while nothing was. */
  readonly warned: FailingPercent | null
  /** Since when it was failing when trouble was first reported; null once the recovery was. */
  readonly toldSince: number | null
  /** Failures in a row. */
  readonly strikes: number
  /** How often the pause was lengthened. */
  readonly level: number
  /** Failures in a row that are attributed to the sender. */
  readonly ownFaults: number
  readonly ownFaultsSince: number | null
  /** Whether the consumer has asked for the latest pause, by Retry-After. */
  readonly asked: boolean
  /** The newest failures, the oldest first, for people to see. Those before a success stay. */
  readonly recent: readonly FailureMark[]
}

const WARNINGS = [90, 70, 50] as const
const OWN_FAULT_FIRST_MS = 1_000
const OWN_FAULT_MAX_MS = 60_000
const JITTER = 0.1
const CLOSED: Details = {
  failedOn: 0,
  failures: 0,
  warned: null,
  toldSince: null,
  strikes: 0,
  level: 0,
  ownFaults: 0,
  ownFaultsSince: null,
  asked: false,
  recent: [],
}
/** How many failures are remembered. */
const MAX_RECENT = 5

function readDetails({ details }: Pick<StoredCircuit, 'details'>): Details {
  return { ...CLOSED, ...(JSON.parse(details ?? '{}') as Partial<Details>) }
}

/** What is kept of the details when a person has the endpoint begin anew: that a recovery is still to be reported. */
export function detailsBegunAnew(stored: Pick<StoredCircuit, 'details'>): string | null {
  const { toldSince } = readDetails(stored)
  return toldSince === null ? null : JSON.stringify({ toldSince })
}

/** What people are shown of a circuit breaker. */
export interface ShownCircuit {
  readonly failingSince: number | null
  /** When it will be disabled, if nothing succeeds until then; null while it does not fail. */
  readonly disablesOn: number | null
  /** Until when no attempt begins, and why; null where attempts may begin. */
  readonly pause: { readonly until: number; readonly cause: PauseCause } | null
  /** The newest failures, the oldest first. */
  readonly failures: readonly FailureMark[]
  /** Those of them that have caused the pause. */
  readonly causes: readonly FailureMark[]
}

/** Reads what is stored of a circuit breaker for people to see. */
export function shownCircuit(stored: StoredCircuit, policy: CircuitPolicy, now: number): ShownCircuit {
  const { failingSince, notBefore } = stored
  const { strikes, level, ownFaults, asked, recent } = readDetails(stored)
  const cause =
    ownFaults > 0 ? 'sender_fault' : level === 0 ? 'rate_limit' : asked ? 'retry_after' : 'failures'
  const isPaused = notBefore > now
  return {
    failingSince,
    disablesOn: failingSince === null ? null : failingSince + policy.disableAfterMs,
    pause: isPaused ? { until: notBefore, cause } : null,
    failures: recent,
    causes: isPaused && level > 0 && strikes > 0 ? recent.slice(-strikes) : [],
  }
}

/** Creates a circuit breaker that continues from what is stored. Its state is stored with the results that changed it. */
export function createCircuitBreaker(stored: StoredCircuit, policy: CircuitPolicy): CircuitBreaker {
  let { failingSince, notBefore } = stored
  let details = readDetails(stored)
  let changes = 0
  /** Attempts that had begun by then say nothing new: they were in flight when the pause began. */
  let pausedAt = 0

  function change(to: Partial<Details>): void {
    details = { ...details, ...to }
    changes += 1
  }

  function pause(now: number, pauseMs: number, latest: number): void {
    notBefore = Math.max(notBefore, now + Math.ceil(pauseMs * (1 + JITTER * Math.random())))
    pausedAt = latest
    changes += 1
  }

  /** Any response but those of trouble closes the circuit. */
  function noteResponse(begun: number): void {
    if (begun <= pausedAt) return
    const { strikes, level, ownFaults } = details
    if (strikes + level + ownFaults === 0) return
    notBefore = 0
    change({ strikes: 0, level: 0, ownFaults: 0, ownFaultsSince: null })
  }

  function noteTrouble({ asksForPause, retryAfterMs }: Outcome, attempt: AttemptOrder, now: number): void {
    // Of an attempt during a pause, only success says something new.
    const isNews = attempt.begun > pausedAt && !attempt.wasPaused
    const strikes = details.strikes + 1
    const opens = isNews && (asksForPause || strikes >= policy.failures)
    const level = details.level + (opens ? 1 : 0)
    change({ strikes, level, ownFaults: 0, ownFaultsSince: null, asked: retryAfterMs > 0 })
    if (opens) pause(now, Math.min(policy.maxPauseMs, policy.firstPauseMs * 2 ** (level - 1)), attempt.latest)
    if (retryAfterMs > 0) pause(now, retryAfterMs, attempt.latest)
  }

  function noteOwnFault(attempt: AttemptOrder, now: number): void {
    if (attempt.begun <= pausedAt || attempt.wasPaused) return
    const ownFaults = details.ownFaults + 1
    change({ ownFaults, ownFaultsSince: details.ownFaultsSince ?? now })
    pause(now, Math.min(OWN_FAULT_MAX_MS, OWN_FAULT_FIRST_MS * 2 ** (ownFaults - 1)), attempt.latest)
  }

  function remember({ errorCode, status }: Outcome, now: number): void {
    if (errorCode === null) return
    change({ recent: [...details.recent, [now, errorCode, status] as const].slice(-MAX_RECENT) })
  }

  function noteFailure(now: number): EndpointNotice | null {
    // A failure long after the one before says nothing of the time between.
    if (failingSince === null || now - details.failedOn > policy.disableAfterMs) {
      failingSince = now
      change({ warned: null, failures: 0 })
    }
    const failures = details.failures + 1
    change({ failedOn: now, failures })
    const percent = ((now - failingSince) / policy.disableAfterMs) * 100
    if (percent >= 100) return noteDisabled('failing', now)
    const isFailing = failures >= policy.failingAfter.failures && now - failingSince >= policy.failingAfter.ms
    const warning = WARNINGS.find((one) => percent >= one) ?? (isFailing ? 0 : null)
    if (warning === null || warning <= (details.warned ?? -1)) return null
    change({ warned: warning, toldSince: details.toldSince ?? failingSince })
    return {
      kind: 'failing',
      percent: warning,
      failingSince,
      disablesOn: failingSince + policy.disableAfterMs,
    }
  }

  function noteDisabled(reason: 'failing' | 'gone', now: number): EndpointNotice {
    change({ toldSince: details.toldSince ?? failingSince ?? now })
    return { kind: 'disabled', reason, failingSince }
  }

  function noteSuccess(): EndpointNotice | null {
    const { toldSince } = details
    if (failingSince === null && toldSince === null) return null
    failingSince = null
    change({ failedOn: 0, failures: 0, warned: null, toldSince: null })
    return toldSince === null ? null : { kind: 'recovered', failingSince: toldSince }
  }

  return {
    get failingSince() {
      return failingSince
    },
    get notBefore() {
      return notBefore
    },
    get isClosed() {
      return details.level === 0 && details.ownFaults === 0
    },
    get changes() {
      return changes
    },
    get ownFaultsSince() {
      return details.ownFaultsSince
    },
    get details() {
      return JSON.stringify(details)
    },
    note(outcome, attempt, now) {
      if (outcome.isOwnFault) {
        noteOwnFault(attempt, now)
        return null
      }
      remember(outcome, now)
      if (outcome.isTrouble) noteTrouble(outcome, attempt, now)
      else noteResponse(attempt.begun)
      if (outcome.gone) return noteDisabled('gone', now)
      return outcome.state === 'succeeded' ? noteSuccess() : noteFailure(now)
    },
  }
}
