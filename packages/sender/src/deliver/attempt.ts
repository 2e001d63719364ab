import type { Clock, Logger } from '@x/events-core'
import { storableText, thrownMessage } from '@x/events-engine/internal'
import { attemptDetails } from '../deliveries/attempt-details.ts'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { signMessage } from '../endpoints/signing.ts'
import type { AttemptError } from '../http/errors.ts'
import type { HttpPools } from '../http/pools.ts'
import { type Post, type PostOutcome, type PostUnderWay, preparePost } from '../http/post.ts'
import { createAttemptMeter } from '../observability/metrics.ts'
import { traceAttempt } from '../observability/tracing.ts'
import type { CanReceive, TelemetrySettings } from '../options.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import type { AttemptInFlight, AttemptKind, LeasedEndpoint } from './leased-endpoint.ts'
import { createFailureAttribution, outcomeOf } from './outcome.ts'
import { isAllowed } from './permission.ts'
import type { RetrySchedule } from './retry-schedule.ts'
import type { Slots } from './slots.ts'

/** What {@link createAttempts} needs. */
export interface AttemptsParts {
  readonly clock: Clock
  readonly pools: HttpPools
  readonly schedule: RetrySchedule
  readonly userAgent: string
  readonly telemetry: TelemetrySettings
  readonly slots: Slots
  readonly logger: Logger
  /** Undefined where everything may be sent. */
  readonly canReceive: CanReceive | undefined
  ended(endpoint: LeasedEndpoint, result: AttemptResult, delivery: DueDelivery): void
}

/** Makes attempts. */
export interface Attempts {
  begin(endpoint: LeasedEndpoint, delivery: DueDelivery, kind: AttemptKind): void
  /** Forgets what is in flight: it is not recorded, and repeated later. */
  abandon(): void
}

/** What is known of an attempt when it begins. */
interface Beginning extends Pick<AttemptResult, 'signature' | 'startedOn'> {
  readonly startedAt: number
  /** Of the request, name and value in turn. */
  readonly headers: readonly string[]
  readonly target: DeliveryTarget
  readonly attempt: AttemptInFlight
}

/** When to retry what a person has asked for, after a failure that is attributed to the sender. */
const MANUAL_RETRY_MS = 5_000
/** What is unclear for so long is attributed to the endpoint. */
const UNCLEAR_FOR_MS = 24 * 60 * 60 * 1_000

/** Creates what signs and sends. */
export function createAttempts(parts: AttemptsParts): Attempts {
  const { clock, pools, schedule, userAgent, telemetry, slots, logger, canReceive, ended } = parts
  const measure = createAttemptMeter(telemetry.perEndpoint)
  const attribution = createFailureAttribution()
  let generation = 0

  function begin(endpoint: LeasedEndpoint, delivery: DueDelivery, kind: AttemptKind): void {
    const target = endpoint.target as DeliveryTarget
    const { body } = delivery
    const begunIn = generation
    const startedOn = clock.now()
    const startedAt = performance.now()
    if (delivery.straight) delivery.straight.hasBegun = true
    const { signature, headers } = signMessage(userAgent, target, delivery, startedOn)
    const attemptTrace = traceAttempt(target, delivery, telemetry.traceparent)
    if (attemptTrace) headers.push(...attemptTrace.headers)
    const attempt = endpoint.beginAttempt(kind, startedOn)

    const request = preparePost(pools, target, { headers, body }, (response) => {
      slots.end(underWay)
      endpoint.endAttempt(attempt, clock.now())
      if (begunIn !== generation) {
        attemptTrace?.end(undefined)
        return
      }
      const beginning = { target, signature, headers, startedOn, startedAt, attempt }
      const result = resultOf(endpoint, delivery, beginning, response)
      attemptTrace?.end(result)
      measure(target.endpointId, result)
      ended(endpoint, result, delivery)
    })
    const send = () => (attemptTrace ? attemptTrace.send(request.send) : request.send())
    // Much may have happened while the host was asked.
    const isOver = () => begunIn !== generation || !endpoint.isHeld || endpoint.target !== target
    const mustAsk = canReceive !== undefined || target.refusal !== undefined
    const underWay = mustAsk ? askFirst(target, delivery, request.post, { send, isOver }) : request.post
    slots.begin(underWay, endpoint.tenantId, kind)
    if (!mustAsk) send()
  }

  /**
   * Sends, in a later turn, what may be sent.
   *
   * @returns what can be cancelled meanwhile.
   */
  function askFirst(
    target: DeliveryTarget,
    delivery: DueDelivery,
    post: Post,
    { send, isOver }: { send(): void; isOver(): boolean },
  ): PostUnderWay {
    let waiting = true
    void refusalOf(target, delivery).then((refusal) => {
      if (!waiting) return
      waiting = false
      if (refusal) post.giveUp(refusal)
      else if (isOver()) post.giveUp(OVER)
      else send()
    })
    return {
      giveUp(error) {
        const isLate = waiting && error.code === 'timeout'
        waiting = false
        post.giveUp(isLate ? unchecked('options.canReceive did not respond within timeoutMs.') : error)
      },
    }
  }

  /** Anything but a yes or no of the host is attributed to the sender. */
  async function refusalOf(
    { refusal, endpoint }: DeliveryTarget,
    delivery: DueDelivery,
  ): Promise<AttemptError | undefined> {
    if (refusal || !canReceive) return refusal
    // Not from within the beginning of the attempt.
    await undefined
    try {
      return (await isAllowed(canReceive, endpoint, delivery)) ? undefined : NOT_ALLOWED
    } catch (error) {
      logger.warn({ err: error, endpoint: endpoint.id }, 'canReceive has failed; the webhook waits')
      return unchecked(`options.canReceive has failed: ${thrownMessage(error)}`)
    }
  }

  function resultOf(
    endpoint: LeasedEndpoint,
    delivery: DueDelivery,
    { target, attempt, startedAt, startedOn, signature, headers }: Beginning,
    response: PostOutcome,
  ): AttemptResult {
    const now = clock.now()
    const durationMs = Math.round(performance.now() - startedAt)
    const outcome = outcomeOf(response, delivery.step + 1, target.schedule ?? schedule, {
      now,
      mayBeOurs: mayBeOurs(endpoint, target.origin, now),
    })
    if (response.status !== undefined) attribution.responded(target.origin)
    const wasMade = outcome.state !== 'cancelled'
    const notice = wasMade ? endpoint.apply(outcome, attempt, durationMs, now) : null
    const counted = wasMade && !outcome.isOwnFault
    const isPlain = outcome.state === 'succeeded' && delivery.attemptCount === 0 && !delivery.manual
    // It was not made, and is still asked for.
    const delayMs = delivery.manual && outcome.isOwnFault ? MANUAL_RETRY_MS : outcome.delayMs
    return {
      endpointKey: delivery.endpointKey,
      messageKey: delivery.messageKey,
      epoch: endpoint.epoch,
      number: delivery.attemptCount + (counted ? 1 : 0),
      step: delivery.step + (counted ? 1 : 0),
      state: outcome.state,
      orderingKey: delivery.orderingKey,
      manual: delivery.manual,
      wasDueOn: delivery.dueOn,
      dueOn: delayMs === null ? null : now + delayMs,
      startedOn,
      durationMs,
      signature,
      url: target.url,
      status: response.status ?? null,
      errorCode: outcome.errorCode,
      errorMessage: outcome.errorMessage,
      responseBody: response.snippet ?? null,
      details:
        counted && !isPlain ? attemptDetails(headers, target.endpoint.headers, response.exchange) : null,
      counted,
      notice,
    }
  }

  function mayBeOurs({ ownFaultsSince }: LeasedEndpoint, origin: string, now: number): boolean {
    return attribution.isAlone(origin) && (ownFaultsSince === null || now - ownFaultsSince < UNCLEAR_FOR_MS)
  }

  return {
    begin,
    abandon() {
      generation += 1
    },
  }
}

const NOT_ALLOWED: AttemptError = {
  code: 'not_allowed',
  attribution: 'sender',
  message: 'options.canReceive has said no.',
}
const OVER: AttemptError = {
  code: 'aborted',
  attribution: 'sender',
  message: 'The endpoint has changed, or the sender has stopped, while options.canReceive was asked.',
}

const MAX_MESSAGE_LENGTH = 500

function unchecked(message: string): AttemptError {
  return { code: 'check_failed', attribution: 'sender', message: storableText(message, MAX_MESSAGE_LENGTH) }
}
