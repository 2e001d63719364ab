import type { Assertion, Clock, FieldNames, Logger } from '@x/events-core'
import type { EventFilter } from '../distribute/event-filter.ts'
import type { EventEngine } from '../engine.ts'
import type { HasInternals } from '../internals.ts'
import { guardLogger } from '../observability/node-logger.ts'
import {
  assertInteger,
  createArgumentAssertion,
  createOptionAssertion,
  LOGGER_METHODS,
} from '../util/assert.ts'

/** Whose stream it is. The host must know it; never take it from the request unchecked. */
export interface SseAudience {
  /** Events of this tenant, and those of all tenants. */
  readonly tenantId: number
  /**
   * Only events of this site, of all sites of the tenant, and of all tenants.
   * @defaultValue every site of the tenant
   */
  readonly siteId?: number | undefined
  /** Event types or patterns, or a function that decides. */
  readonly filter?: EventFilter | undefined
  /** The user who is signed in, for `limits.perUser`; any text that is unique within the tenant. */
  readonly user?: string | undefined
  /** Where the request comes from, for `limits.perAddress`: behind a proxy, what the proxy says. */
  readonly address?: string | undefined
}

/** How many streams may be open at the same time. Further requests get 429 or 503, with `retry-after`. */
export interface SseLimits {
  /** On this node; beyond it the answer is 503. @defaultValue 10_000 */
  readonly total?: number | undefined
  /** Of one tenant on this node; beyond it, as for the next two, the answer is 429. @defaultValue 5_000 */
  readonly perTenant?: number | undefined
  /** Of one user of a tenant. @defaultValue 50 */
  readonly perUser?: number | undefined
  /** From one address; many people may share one. @defaultValue 200 */
  readonly perAddress?: number | undefined
}

/** The options of `createSseFeed`. */
export interface SseFeedOptions {
  readonly engine: Pick<EventEngine, 'clock' | 'logger'> & HasInternals
  readonly limits?: SseLimits | undefined
  /** Time between two heartbeats of a stream, in milliseconds. @defaultValue 15_000 */
  readonly heartbeatMs?: number | undefined
  /** The reconnection time that clients are given, in milliseconds. @defaultValue 2_000 */
  readonly retryMs?: number | undefined
  /**
   * Longest time that a client may take nothing while there is something for it, in milliseconds;
   * looked at with each heartbeat.
   * @defaultValue 30_000
   */
  readonly stalledMs?: number | undefined
  /**
   * Age at which a stream is ended, in milliseconds, give or take a tenth: its client reconnects where
   * it was, and is authorized anew.
   * @defaultValue 3_600_000
   */
  readonly maxAgeMs?: number | undefined
  /** A client that is further behind gets a Reload event instead. @defaultValue 5_000 */
  readonly maxEventsBehind?: number | undefined
  /** @defaultValue the engine's */
  readonly clock?: Clock | undefined
  /** @defaultValue the engine's */
  readonly logger?: Logger | undefined
}

/** {@link SseFeedOptions}, checked and complete. */
export interface SseFeedSettings {
  readonly limits: Readonly<Required<{ [TName in keyof SseLimits]: number }>>
  readonly heartbeatMs: number
  readonly retryMs: number
  readonly stalledMs: number
  readonly maxAgeMs: number
  readonly maxEventsBehind: number
  readonly clock: Clock
  readonly logger: Logger
}

const assertOption: Assertion = createOptionAssertion('createSseFeed')
const assertAudience: Assertion = createArgumentAssertion('SSE audience')

const OPTIONS: FieldNames<SseFeedOptions> = {
  engine: true,
  limits: true,
  heartbeatMs: true,
  retryMs: true,
  stalledMs: true,
  maxAgeMs: true,
  maxEventsBehind: true,
  clock: true,
  logger: true,
}
const LIMITS: FieldNames<SseLimits> = { total: true, perTenant: true, perUser: true, perAddress: true }
const AUDIENCE: FieldNames<SseAudience> = {
  tenantId: true,
  siteId: true,
  filter: true,
  user: true,
  address: true,
}

/**
 * Checks whose stream it is: a name that is misspelt would open more than was meant.
 *
 * @throws EventEngineError `invalid_argument`
 */
export function readAudience(audience: SseAudience): SseAudience {
  const { siteId, user, address } = assertAudience.fields('', audience, AUDIENCE)
  if (siteId !== undefined) assertInteger(assertAudience, 'siteId', siteId)
  for (const [name, text] of Object.entries({ user, address })) {
    assertAudience(text === undefined || typeof text === 'string', name, 'a text', text)
  }
  return audience
}

/** @throws EventEngineError `invalid_option` */
export function resolveSseFeedOptions(given: SseFeedOptions): SseFeedSettings {
  const options = assertOption.fields('', given, OPTIONS)
  const { total, perTenant, perUser, perAddress } = assertOption.fields('limits', options.limits, LIMITS)
  assertOption(options.engine !== undefined, 'engine', 'what createEventEngine has returned', options.engine)
  const { clock = options.engine.clock, logger } = options
  return Object.freeze({
    limits: Object.freeze({
      total: assertOption.integer('limits.total', total ?? 10_000, 1),
      perTenant: assertOption.integer('limits.perTenant', perTenant ?? 5_000, 1),
      perUser: assertOption.integer('limits.perUser', perUser ?? 50, 1),
      perAddress: assertOption.integer('limits.perAddress', perAddress ?? 200, 1),
    }),
    heartbeatMs: assertOption.integer('heartbeatMs', options.heartbeatMs ?? 15_000, 1),
    retryMs: assertOption.integer('retryMs', options.retryMs ?? 2_000, 1),
    stalledMs: assertOption.integer('stalledMs', options.stalledMs ?? 30_000, 1),
    maxAgeMs: assertOption.integer('maxAgeMs', options.maxAgeMs ?? 3_600_000, 1),
    // The log counts no further than 10,000.
    maxEventsBehind: assertOption.integer('maxEventsBehind', options.maxEventsBehind ?? 5_000, 1, 9_999),
    clock: assertOption.methods('clock', clock, ['now', 'schedule']),
    logger:
      logger === undefined
        ? options.engine.logger
        : guardLogger(assertOption.methods('logger', logger, LOGGER_METHODS)),
  })
}
