import type { Outcome } from './outcome.ts'

/** What is stored of an endpoint's circuit, beside its queue. */
export interface StoredCircuit {
  /** Since when no attempt has succeeded; null while they do. */
  readonly failingSince: number | null
  /** No attempt before this time. */
  readonly notBefore: number
  /** JSON, for this package alone. */
  readonly details: string | null
}

/** What is worth telling the host of. */
export type EndpointNotice =
  | { readonly kind: 'failing'; readonly percent: number; readonly failingSince: number }
  | { readonly kind: 'recovered'; readonly failingSince: number }
  | { readonly kind: 'disabled'; readonly reason: 'failing' | 'gone'; readonly failingSince: number | null }

/** When to pause an endpoint, and when to give it up. */
export interface CircuitPolicy {
  readonly disableAfterMs: number
  /** Failures in a row after which it is probed only. */
  readonly failures: number
  readonly firstPauseMs: number
  readonly maxPauseMs: number
}

/** The place of an attempt in the order of beginnings, and the latest beginning by the time it ends. */
export interface AttemptOrder {
  readonly begun: number
  readonly latest: number
  /** Whether the endpoint was paused when it began: a person had asked for it. */
  readonly wasPaused: boolean
}

/** How an endpoint does: whether it may be asked now, and for how long it has not answered well. */
export interface CircuitBreaker {
  readonly failingSince: number | null
  readonly notBefore: number
  /** One request at a time, to see whether it is back. */
  readonly probing: boolean
  /** Rises with every change: what has to be stored. */
  readonly changes: number
  /** Since when attempts have failed for reasons that may be ours; null while they do not. */
  readonly ownFaultsSince: number | null
  readonly details: string
  /** What came of one. */
  note(outcome: Outcome, attempt: AttemptOrder, now: number): EndpointNotice | null
}

interface Details {
  /** The latest failure. */
  readonly failedOn: number
  /** Percent of the way to being disabled that the host was told of. */
  readonly warned: number
  readonly strikes: number
  /** How often the pause was lengthened. */
  readonly level: number
  readonly ownFaults: number
  readonly ownFaultsSince: number | null
}

const WARNINGS = [90, 70, 50]
const OWN_FAULT_FIRST_MS = 1_000
const OWN_FAULT_MAX_MS = 60_000
const JITTER = 0.1
const HEALTHY: Details = {
  failedOn: 0,
  warned: 0,
  strikes: 0,
  level: 0,
  ownFaults: 0,
  ownFaultsSince: null,
}

/** Goes on from what is stored; what comes of it is stored with the results that it came from. */
export function createCircuitBreaker(stored: StoredCircuit, policy: CircuitPolicy): CircuitBreaker {
  let { failingSince, notBefore } = stored
  let details: Details = { ...HEALTHY, ...(JSON.parse(stored.details ?? '{}') as Partial<Details>) }
  let changes = 0
  /** Attempts begun until then say nothing new: they were under way when the pause began. */
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

  /** It has answered, whatever: no reason to hold back. */
  function isAlive(begun: number): void {
    if (begun <= pausedAt) return
    const { strikes, level, ownFaults } = details
    if (strikes + level + ownFaults === 0) return
    notBefore = 0
    change({ strikes: 0, level: 0, ownFaults: 0, ownFaultsSince: null })
  }

  function isInTrouble({ asksForPause, retryAfterMs }: Outcome, attempt: AttemptOrder, now: number): void {
    // Of an attempt in the midst of a pause, only success says something new.
    const isNews = attempt.begun > pausedAt && !attempt.wasPaused
    const strikes = details.strikes + 1
    const isTooMuch = asksForPause || strikes >= policy.failures
    const level = isTooMuch && isNews ? details.level + 1 : details.level
    change({ strikes, level, ownFaults: 0, ownFaultsSince: null })
    if (isTooMuch && isNews) {
      pause(now, Math.min(policy.maxPauseMs, policy.firstPauseMs * 2 ** (level - 1)), attempt.latest)
    }
    if (retryAfterMs > 0) pause(now, retryAfterMs, attempt.latest)
  }

  function hasFailed(now: number): EndpointNotice | null {
    // A failure long after the one before tells nothing of the time between.
    if (failingSince === null || now - details.failedOn > policy.disableAfterMs) {
      failingSince = now
      change({ warned: 0 })
    }
    change({ failedOn: now })
    const percent = ((now - failingSince) / policy.disableAfterMs) * 100
    if (percent >= 100) return { kind: 'disabled', reason: 'failing', failingSince }
    const warning = WARNINGS.find((one) => percent >= one) ?? 0
    if (warning <= details.warned) return null
    change({ warned: warning })
    return { kind: 'failing', percent: warning, failingSince }
  }

  return {
    get failingSince() {
      return failingSince
    },
    get notBefore() {
      return notBefore
    },
    get probing() {
      return details.level > 0 || details.ownFaults > 0
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
      if (outcome.isOurFault) {
        if (attempt.begun <= pausedAt || attempt.wasPaused) return null
        const ownFaults = details.ownFaults + 1
        change({ ownFaults, ownFaultsSince: details.ownFaultsSince ?? now })
        pause(now, Math.min(OWN_FAULT_MAX_MS, OWN_FAULT_FIRST_MS * 2 ** (ownFaults - 1)), attempt.latest)
        return null
      }
      if (outcome.inTrouble) isInTrouble(outcome, attempt, now)
      else isAlive(attempt.begun)
      if (outcome.gone) return { kind: 'disabled', reason: 'gone', failingSince }
      if (outcome.state !== 'succeeded') return hasFailed(now)
      if (failingSince === null) return null
      const notice: EndpointNotice | null = details.warned > 0 ? { kind: 'recovered', failingSince } : null
      failingSince = null
      change({ warned: 0, failedOn: 0 })
      return notice
    },
  }
}
