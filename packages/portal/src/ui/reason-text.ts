import type { Delivery, EndpointHealth } from './api-types.ts'
import { fullTime, list, relativeTimeInWords } from './format.ts'
import { t } from './preferences.ts'
import { attemptErrorName } from './problem-text.ts'

type Reason = Delivery['reason']
type Failures = EndpointHealth['failures']

/** Why a delivery is in its state: what it waits for, or how it has ended, and by whom. */
export function reasonText(reason: Reason): string {
  const said = stateText(reason)
  return 'by' in reason && reason.by !== undefined ? `${said} ${t.doneBy(reason.by)}` : said
}

function stateText(reason: Reason): string {
  const { reasons } = t
  switch (reason.code) {
    case 'queued':
    case 'predecessor':
      return reasons[reason.code](reason.ahead, reason.aheadCapped ?? false)
    case 'scheduled':
      return reasons.scheduled(reason.attempt, reason.of, relativeTimeInWords(reason.on))
    case 'requested':
      return reasons.requested(relativeTimeInWords(reason.on))
    case 'rate_limited':
      return reasons.rate_limited(relativeTimeInWords(reason.until))
    case 'disabled':
      return reasons.disabled(fullTime(reason.since))
    case 'endpoint_deleted':
      return reasons.endpoint_deleted(fullTime(reason.on))
    case 'paused':
      if (reason.cause === 'retry_after') return t.health.retryAfter(fullTime(reason.until))
      if (reason.cause === 'sender_fault') return t.health.senderFault(fullTime(reason.until))
      return reasons.paused(fullTime(reason.until), failuresText(reason.failures))
    default:
      return reasons[reason.code]
  }
}

/** How an endpoint does, in a sentence. */
export function healthText(health: EndpointHealth, isPull: boolean): string {
  const { state, pause, failures, failingSince, disabledReason, disabledOn } = health
  if (state === 'disabled') return t.health.disabled[disabledReason ?? 'manual'](fullTime(disabledOn ?? ''))
  if (isPull) return t.health.pull
  if (pause) return pauseText(pause)
  if (state === 'failing' && failingSince !== undefined) {
    return t.health.failing(fullTime(failingSince), failuresText(failures))
  }
  return t.health.healthy
}

function pauseText({ cause, until, failures }: NonNullable<EndpointHealth['pause']>): string {
  if (cause === 'rate_limit') return t.health.rateLimited(relativeTimeInWords(until))
  if (cause === 'retry_after') return t.health.retryAfter(fullTime(until))
  if (cause === 'sender_fault') return t.health.senderFault(fullTime(until))
  return t.health.paused(fullTime(until), failuresText(failures))
}

/** "the last 5 attempts failed (HTTP 500 and timeout)" */
function failuresText(failures: Failures): string {
  const causes = failures.map(({ status, errorCode }) => resultText(status, errorCode))
  return t.failures(Math.max(1, failures.length), list([...new Set(causes)]))
}

/** What an attempt came to, in a word or two. */
export function resultText(status: number | undefined, errorCode: string | undefined): string {
  return status === undefined ? attemptErrorName(errorCode ?? 'network_error') : `HTTP ${status}`
}
