import type { Clock } from '@x/events-core'
import type { AttemptResult, DueDelivery } from '../delivery-store.ts'
import { attemptErrorOf } from '../network/attempt-error.ts'
import type { HttpPools } from '../network/http-pools.ts'
import { Post, type PostOutcome } from '../network/post.ts'
import { requestHeaders } from '../request-headers.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import type { InFlight } from './in-flight.ts'
import { judgeAttempt } from './judge-attempt.ts'
import type { Lane } from './lane.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** What an attempt says about its endpoint. */
export interface AttemptOutcome {
  /** It did not answer, or said that it has trouble. */
  readonly failing: boolean
}

/** What {@link createAttempts} works with. */
export interface AttemptsParts {
  readonly clock: Clock
  readonly pools: HttpPools
  readonly schedule: RetrySchedule
  readonly userAgent: string
  readonly inFlight: InFlight
  ended(lane: Lane, result: AttemptResult, outcome: AttemptOutcome): void
}

/** Makes attempts. */
export interface Attempts {
  begin(lane: Lane, delivery: DueDelivery): void
  /** Forgets what is under way: it is not recorded, and made again later. */
  abandon(): void
}

/** Creates what signs and sends. */
export function createAttempts(parts: AttemptsParts): Attempts {
  const { clock, pools, schedule, userAgent, inFlight, ended } = parts
  let life = 0

  function begin(lane: Lane, delivery: DueDelivery): void {
    const target = lane.target as DeliveryTarget
    const { eventId, body } = delivery
    const bornIn = life
    const startedOn = clock.now()
    const startedAt = performance.now()
    const timestamp = Math.floor(startedOn / 1_000)
    const signature = target.signer.sign({ id: eventId, timestamp, body })
    const headers = requestHeaders(userAgent, eventId, timestamp, signature)
    for (const part of target.ownHeaders) headers.push(part)

    const post = new Post((outcome) => {
      inFlight.end(post)
      lane.inFlight -= 1
      if (bornIn !== life) return
      const durationMs = Math.round(performance.now() - startedAt)
      const result = resultOf(lane, delivery, target, { signature, startedOn, durationMs }, outcome)
      ended(lane, result, { failing: isFailing(outcome) })
    })
    lane.inFlight += 1
    inFlight.begin(post)
    try {
      pools.of(target.origin).dispatch({ path: target.path, method: 'POST', headers, body }, post)
    } catch (error) {
      post.giveUp(attemptErrorOf(error))
    }
  }

  function resultOf(
    lane: Lane,
    delivery: DueDelivery,
    target: DeliveryTarget,
    sent: Pick<AttemptResult, 'signature' | 'startedOn' | 'durationMs'>,
    outcome: PostOutcome,
  ): AttemptResult {
    const now = clock.now()
    const step = delivery.step + 1
    const verdict = judgeAttempt(outcome, step, target.schedule ?? schedule, now)
    return {
      endpointKey: delivery.endpointKey,
      messageKey: delivery.messageKey,
      epoch: lane.epoch,
      number: delivery.attemptCount + 1,
      step,
      state: verdict.state,
      lane: delivery.lane,
      wasDueOn: delivery.dueOn,
      dueOn: verdict.delayMs === null ? null : now + verdict.delayMs,
      ...sent,
      url: target.url,
      status: outcome.status ?? null,
      errorCode: verdict.errorCode,
      errorMessage: verdict.errorMessage,
      responseBody: outcome.snippet ?? null,
      gone: verdict.gone,
    }
  }

  return {
    begin,
    abandon() {
      life += 1
    },
  }
}

function isFailing({ status, error }: PostOutcome): boolean {
  return error !== undefined || status === undefined || status === 429 || status >= 500
}
