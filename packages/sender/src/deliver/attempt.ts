import type { Clock, Logger } from '@x/events-core'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { signMessage } from '../endpoints/signing.ts'
import { attemptErrorOf } from '../http/errors.ts'
import type { HttpPools } from '../http/pools.ts'
import { Post, type PostOutcome } from '../http/post.ts'
import { createAttemptMeter } from '../observability/metrics.ts'
import { traceAttempt } from '../observability/tracing.ts'
import type { TelemetrySettings } from '../options.ts'
import { adaptLimit } from './adapt-limit.ts'
import type { AttemptOrder } from './circuit-breaker.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import { createFailureAttribution } from './failure-attribution.ts'
import type { AttemptKind, InFlight } from './in-flight.ts'
import { isPaused, type LeasedEndpoint } from './leased-endpoint.ts'
import { outcomeOf } from './outcome.ts'
import { type CanReceive, createPermissions } from './permission.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** What {@link createAttempts} works with. */
export interface AttemptsParts {
  readonly clock: Clock
  readonly pools: HttpPools
  readonly schedule: RetrySchedule
  readonly userAgent: string
  readonly telemetry: TelemetrySettings
  readonly inFlight: InFlight
  readonly logger: Logger
  /** Undefined where everything may be sent. */
  readonly canReceive: CanReceive | undefined
  ended(endpoint: LeasedEndpoint, result: AttemptResult, delivery: DueDelivery): void
}

/** Makes attempts. */
export interface Attempts {
  begin(endpoint: LeasedEndpoint, delivery: DueDelivery, kind: AttemptKind): void
  /** Forgets what is under way: it is not recorded, and made again later. */
  abandon(): void
}

/** What is known of an attempt when it begins. */
interface Beginning extends Pick<AttemptResult, 'signature' | 'startedOn'>, Pick<AttemptOrder, 'wasPaused'> {
  readonly startedAt: number
  readonly begun: number
  readonly target: DeliveryTarget
}

/** When to try again what a person has asked for, and a fault of this side has prevented. */
const MANUAL_AGAIN_MS = 5_000
// What is unclear for so long is not a fault of this side any more.
const UNCLEAR_FOR_MS = 24 * 60 * 60 * 1_000

/** Creates what signs and sends. */
export function createAttempts(parts: AttemptsParts): Attempts {
  const { clock, pools, schedule, userAgent, telemetry, inFlight, logger, canReceive, ended } = parts
  const measure = createAttemptMeter(telemetry.perEndpoint)
  const attribution = createFailureAttribution()
  const permissionFor = canReceive && createPermissions(canReceive, logger)
  let life = 0

  function begin(endpoint: LeasedEndpoint, delivery: DueDelivery, kind: AttemptKind): void {
    const target = endpoint.target as DeliveryTarget
    const { body } = delivery
    const bornIn = life
    const startedOn = clock.now()
    const startedAt = performance.now()
    if (delivery.straight) delivery.straight.hasBegun = true
    const { signature, headers } = signMessage(userAgent, target, delivery, startedOn)
    const attemptTrace = traceAttempt(target, delivery, telemetry.traceparent)
    if (attemptTrace) headers.push(...attemptTrace.headers)
    endpoint.begun += 1
    const wasPaused = isPaused(endpoint, startedOn)
    const beginning = { target, signature, startedOn, startedAt, begun: endpoint.begun, wasPaused }
    const isExtra = kind === 'extra'
    const { rate, extras } = endpoint

    const send = () => {
      try {
        const pool = pools.of(target)
        pool.dispatch({ path: target.path, method: 'POST', headers, body }, post)
      } catch (error) {
        post.giveUp(attemptErrorOf(error))
      }
    }
    const post = new Post((posted) => {
      inFlight.end(underWay)
      if (isExtra) {
        endpoint.extraInFlight -= 1
        extras?.ended(performance.now())
      } else {
        endpoint.inFlight -= 1
        rate?.ended(clock.now())
      }
      if (bornIn !== life) {
        attemptTrace?.end(undefined)
        return
      }
      const result = resultOf(endpoint, delivery, beginning, posted)
      attemptTrace?.end(result)
      measure(target.endpointId, result)
      ended(endpoint, result, delivery)
    }, send)
    const permission = permissionFor?.({
      endpoint: target.endpoint,
      delivery,
      post,
      send: () => start(),
      isOver: () => isOver(endpoint, target, bornIn),
    })
    const underWay = permission?.underWay ?? post
    if (isExtra) {
      endpoint.extraInFlight += 1
      endpoint.extrasInARow += 1
      extras?.take()
    } else {
      endpoint.inFlight += 1
      endpoint.extrasInARow = 0
      rate?.take()
    }
    inFlight.begin(underWay, endpoint.tenantId, kind)
    const { refusal } = target
    // Its end may begin the next one: not from within this one's beginning.
    if (refusal) queueMicrotask(() => post.giveUp(refusal))
    else if (permission) permission.ask()
    else start()

    function start(): void {
      if (attemptTrace) attemptTrace.send(send)
      else send()
    }
  }

  /** Much may have happened while a host was asked. */
  function isOver(endpoint: LeasedEndpoint, target: DeliveryTarget, bornIn: number): boolean {
    const isHeld = !endpoint.closed && endpoint.target === target && performance.now() < endpoint.leasedUntil
    return !isHeld || bornIn !== life
  }

  function resultOf(
    endpoint: LeasedEndpoint,
    delivery: DueDelivery,
    { target, begun, startedAt, startedOn, signature, wasPaused }: Beginning,
    posted: PostOutcome,
  ): AttemptResult {
    const now = clock.now()
    const durationMs = Math.round(performance.now() - startedAt)
    const outcome = outcomeOf(posted, delivery.step + 1, target.schedule ?? schedule, {
      now,
      mayBeOurs: mayBeOurs(endpoint, target.origin, now),
    })
    if (posted.status !== undefined) attribution.answered(target.origin)
    const order = { begun, latest: endpoint.begun, wasPaused }
    const wasMade = outcome.state !== 'cancelled'
    const notice = (wasMade && endpoint.circuit?.note(outcome, order, now)) || null
    if (wasMade) adaptLimit(endpoint, { ...order, durationMs, inTrouble: outcome.inTrouble })
    const counted = wasMade && !outcome.isOurFault
    // It was not made, and is still asked for.
    const delayMs = delivery.manual && outcome.isOurFault ? MANUAL_AGAIN_MS : outcome.delayMs
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
      status: posted.status ?? null,
      errorCode: outcome.errorCode,
      errorMessage: outcome.errorMessage,
      responseBody: posted.snippet ?? null,
      counted,
      notice,
    }
  }

  function mayBeOurs({ circuit }: LeasedEndpoint, origin: string, now: number): boolean {
    const since = circuit?.ownFaultsSince ?? null
    return attribution.isAlone(origin) && (since === null || now - since < UNCLEAR_FOR_MS)
  }

  return {
    begin,
    abandon() {
      life += 1
    },
  }
}
