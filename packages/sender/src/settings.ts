import type { RetryOptions } from '@x/events-engine'
import { readEncryptionKey } from './endpoints/encryption-key.ts'
import type { OrderingKeys } from './endpoints/ordering.ts'
import { type NetworkSettings, readNetworkOptions } from './http/options.ts'
import { readInteger as integer, readFlag, refuseUnless } from './invalid-option.ts'
import { type PayloadVersions, readPayloadVersions } from './messages/payload-versions.ts'
import { type RenderOf, readRender } from './messages/render.ts'
import { readValidation, type Validation } from './messages/validation.ts'
import { readTelemetryOptions, type TelemetrySettings } from './observability/telemetry-options.ts'
import type { WebhookSenderOptions } from './options.ts'
import { readHealthPolicy } from './worker/circuit-options.ts'
import type { HealthPolicy } from './worker/endpoint-health.ts'
import type { CanReceive } from './worker/permission.ts'
import { isSchedule, SCHEDULE_RULE } from './worker/retry-schedule.ts'

/** The options with every default in place. */
export interface WebhookSenderSettings extends NetworkSettings {
  readonly encryptionKey: Buffer
  readonly previousEncryptionKeys: readonly Buffer[]
  readonly deliver: boolean
  readonly fanOut: boolean
  readonly maxEndpointsPerTenant: number
  readonly telemetry: TelemetrySettings
  readonly retrySchedule: readonly number[]
  readonly orderingKeys: OrderingKeys
  readonly healthPolicy: HealthPolicy
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxInFlight: number
  readonly maxBodyBytes: number
  readonly renderOf: RenderOf | undefined
  readonly renderTimeoutMs: number
  readonly renderRetry: RetryOptions
  readonly payloadVersions: PayloadVersions
  readonly cloudEventSource: string | undefined
  readonly validate: Validation
  readonly canReceive: CanReceive | undefined
  readonly verifyOwnership: boolean
  readonly leaseMs: number
  readonly pollMaxMs: number
  readonly stopTimeoutMs: number
  readonly reconcileEveryMs: number
  readonly retentionMs: number
  readonly userAgent: string
}

const MINUTE = 60
const HOUR = 3_600
const STANDARD_SCHEDULE = [
  0,
  5,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** @throws WebhookSenderError `invalid_option` */
export function resolveWebhookSenderOptions<DB>(options: WebhookSenderOptions<DB>): WebhookSenderSettings {
  const { engine, retrySchedule = STANDARD_SCHEDULE, userAgent = 'x-events-webhooks' } = options
  refuseUnless(
    typeof engine?.subscribe === 'function',
    'engine',
    'what createEventEngine has returned',
    engine,
  )
  refuseUnless(isSchedule(retrySchedule), 'retrySchedule', SCHEDULE_RULE, retrySchedule)
  refuseUnless(
    /^[\x20-\x7e]{1,200}$/.test(userAgent),
    'userAgent',
    '1 to 200 printable ASCII characters',
    userAgent,
  )
  return Object.freeze({
    encryptionKey: readEncryptionKey(options.encryptionKey),
    previousEncryptionKeys: (options.previousEncryptionKeys ?? []).map((key, index) =>
      readEncryptionKey(key, `previousEncryptionKeys[${index}]`),
    ),
    deliver: readFlag('deliver', options.deliver ?? true),
    fanOut: readFlag('fanOut', options.fanOut ?? true),
    maxEndpointsPerTenant: integer('maxEndpointsPerTenant', options.maxEndpointsPerTenant ?? 1_000, 1),
    ...readNetworkOptions(options.network ?? {}),
    telemetry: readTelemetryOptions(options.telemetry ?? {}),
    retrySchedule: [...retrySchedule],
    orderingKeys: readOrderingKeys(options.orderingKeys ?? {}),
    healthPolicy: readHealthPolicy(options),
    timeoutMs: integer('timeoutMs', options.timeoutMs ?? 20_000, 1),
    connectTimeoutMs: integer('connectTimeoutMs', options.connectTimeoutMs ?? 5_000, 1),
    maxInFlight: integer('maxInFlight', options.maxInFlight ?? 128, 1, 10_000),
    maxBodyBytes: integer('maxBodyBytes', options.maxBodyBytes ?? 262_144, 1_024),
    renderOf: readRender(options.render),
    renderTimeoutMs: integer('renderTimeoutMs', options.renderTimeoutMs ?? 10_000, 1),
    renderRetry: readRenderRetry(options.renderRetry ?? {}),
    payloadVersions: readPayloadVersions(options.payloadVersions, options.defaultPayloadVersion),
    cloudEventSource: readCloudEventSource(options.cloudEventSource),
    validate: readValidation(options.validate),
    canReceive: readCanReceive(options.canReceive),
    verifyOwnership: readFlag('verifyOwnership', options.verifyOwnership ?? false),
    leaseMs: integer('leaseMs', options.leaseMs ?? 6_000, 100),
    pollMaxMs: integer('pollMaxMs', options.pollMaxMs ?? 1_000, 10),
    stopTimeoutMs: integer('stopTimeoutMs', options.stopTimeoutMs ?? 10_000, 0),
    reconcileEveryMs: integer('reconcileEveryMs', options.reconcileEveryMs ?? 300_000, 10),
    retentionMs: integer('retentionDays', options.retentionDays ?? 30, 1, 36_500) * 24 * HOUR * 1_000,
    userAgent,
  })
}

function readRenderRetry({
  maxAttempts = 5,
  firstDelayMs = 100,
  maxDelayMs = 30_000,
}: RetryOptions): RetryOptions {
  return Object.freeze({
    maxAttempts: integer('renderRetry.maxAttempts', maxAttempts, 1),
    firstDelayMs: integer('renderRetry.firstDelayMs', firstDelayMs, 0),
    maxDelayMs: integer('renderRetry.maxDelayMs', maxDelayMs, firstDelayMs),
  })
}

function readCanReceive(canReceive: CanReceive | undefined): CanReceive | undefined {
  const isAsked = canReceive === undefined || typeof canReceive === 'function'
  refuseUnless(isAsked, 'canReceive', 'a function', canReceive)
  return canReceive
}

function readCloudEventSource(source: string | undefined): string | undefined {
  const isReference = source === undefined || /^[\x21-\x7e]{1,1000}$/.test(source)
  refuseUnless(isReference, 'cloudEventSource', 'a URI or the path of one, in printable ASCII', source)
  return source
}

function readOrderingKeys(keys: OrderingKeys): OrderingKeys {
  refuseUnless(typeof keys === 'object' && keys !== null, 'orderingKeys', 'an object of functions', keys)
  for (const [name, keyOf] of Object.entries(keys)) {
    refuseUnless(
      /^[\w-]{1,100}$/.test(name) && name !== 'entity' && name !== 'tenant',
      'orderingKeys',
      "an object of functions by names of letters, digits, _ and -, other than 'entity' and 'tenant'",
      name,
    )
    refuseUnless(typeof keyOf === 'function', `orderingKeys.${name}`, 'a function', keyOf)
  }
  return Object.freeze({ ...keys })
}
