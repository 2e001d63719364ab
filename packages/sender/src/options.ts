import { type FieldNames, isPlainObject, type SyncEvent } from '@x/events-core'
import type { EventEngine, RetryOptions } from '@x/events-engine'
import type { AlertOptions } from './alerts/send-alert.ts'
import {
  type CircuitOptions,
  type CircuitPolicy,
  type FailingAfter,
  readCircuitPolicy,
} from './deliver/circuit-breaker.ts'
import { isSchedule, SCHEDULE_RULE } from './deliver/retry-schedule.ts'
import { readEncryptionKey } from './endpoints/cipher.ts'
import type { Endpoint } from './endpoints/endpoint.ts'
import type { OrderingKeys } from './endpoints/ordering.ts'
import { assertOption } from './errors.ts'
import { type NetworkOptions, type NetworkSettings, readNetworkOptions } from './http/options.ts'
import {
  type PayloadVersions,
  type RenderOf,
  type RenderOption,
  readPayloadVersions,
  readRender,
} from './messages/render.ts'
import { readValidation, type Validation } from './messages/validation.ts'

/** The event that a webhook is about, without what it carried. */
export type DeliveredEvent = Omit<SyncEvent, 'data'>

/** Decides, before each attempt, whether an endpoint may still get an event. */
export type CanReceive = (endpoint: Endpoint, event: DeliveredEvent) => boolean | Promise<boolean>

/** What {@link createWebhookSender} takes. */
export interface WebhookSenderOptions<DB> {
  /** The engine whose events are sent. The sender's tables lie beside the engine's, in the same database. */
  readonly engine: EventEngine<DB>
  /** Encrypts signing secrets at rest: 32 bytes, as such or as base64 or hex text. */
  readonly encryptionKey: Uint8Array | string
  /**
   * Keys that secrets may still be encrypted with. `sender.reencryptSecrets()` moves all to `encryptionKey`;
   * then these can go.
   * @defaultValue none
   */
  readonly previousEncryptionKeys?: readonly (Uint8Array | string)[] | undefined
  readonly network?: NetworkOptions | undefined
  readonly telemetry?: TelemetryOptions | undefined
  /**
   * Whether this process sends webhooks. With `false` it still manages endpoints, turns events into deliveries
   * and sends again, and leaves the requests to others: see {@link createWebhookWorker}.
   * @defaultValue true
   */
  readonly deliver?: boolean | undefined
  /**
   * Whether this process takes part in turning events into deliveries. Of the processes that do, one at a time does
   * it for all. At least one process must take part.
   * @defaultValue true; false for {@link createWebhookWorker}
   */
  readonly fanOut?: boolean | undefined
  /**
   * Most endpoints of one tenant. Simultaneous creations may exceed it slightly.
   * @defaultValue 1000
   */
  readonly maxEndpointsPerTenant?: number | undefined
  /**
   * Seconds before each attempt, the first one included; up to 10 % is added to each. After the last
   * attempt a delivery is exhausted.
   * @defaultValue [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400], the schedule of Standard Webhooks
   */
  readonly retrySchedule?: readonly number[] | undefined
  /**
   * Days without a success after which an endpoint that keeps failing is disabled. The host is warned again at
   * 50, 70 and 90 % of the way: `WebhookEndpoint.Failing`.
   * @defaultValue 5
   */
  readonly disableAfterDays?: number | undefined
  /** When an endpoint is first said to be failing, to tenants by alerts and to the host by `WebhookEndpoint.Failing`. */
  readonly failingAfter?: FailingAfter | undefined
  readonly circuit?: CircuitOptions | undefined
  /**
   * Functions that endpoints can be ordered by, `ordering: { by: name }`: messages for which one gives
   * the same text reach the endpoint one after the other. The names are stored, and the text with each
   * delivery. What a function throws parks the event.
   * @defaultValue none but `entity` and `tenant`
   */
  readonly orderingKeys?: OrderingKeys | undefined
  /**
   * Longest time for one attempt, the response body included, in milliseconds.
   * @defaultValue 20000
   */
  readonly timeoutMs?: number | undefined
  /**
   * Longest time to open a connection, in milliseconds.
   * @defaultValue 5000
   */
  readonly connectTimeoutMs?: number | undefined
  /**
   * Most requests of this process under way at once. A tenant may have as many as are free, so one alone has half of
   * them. Requests that have waited for their response for a second do not count, up to eight times as many.
   * @defaultValue 128
   */
  readonly maxInFlight?: number | undefined
  /**
   * Most bytes of a message's body; an event that makes a larger one is parked.
   * @defaultValue 262144
   */
  readonly maxBodyBytes?: number | undefined
  /**
   * Renders `data.entity` of webhooks: for all types, or by type or pattern. Each event is rendered once for each payload
   * version that an endpoint has, outside of any transaction, before its deliveries are stored. The sender's own events
   * are not rendered.
   * @defaultValue what the event carries
   */
  readonly render?: RenderOption | undefined
  /**
   * Longest time for one rendering, in milliseconds.
   * @defaultValue 10000
   */
  readonly renderTimeoutMs?: number | undefined
  /**
   * How often a failed rendering is retried before its event is parked. Later events wait for it.
   * @defaultValue { maxAttempts: 5, firstDelayMs: 100, maxDelayMs: 30000 }
   */
  readonly renderRetry?: RetryOptions | undefined
  /**
   * The versions that payloads are rendered in, the oldest first. Each endpoint has one of them, and keeps it until it
   * is moved; an endpoint whose version is not listed any more gets the oldest.
   * @defaultValue none
   */
  readonly payloadVersions?: readonly string[] | undefined
  /**
   * The version of a new endpoint that names none.
   * @defaultValue the last of `payloadVersions`
   */
  readonly defaultPayloadVersion?: string | undefined
  /**
   * The `source` of messages in the CloudEvents formats: a URI or the path of one.
   * @defaultValue the tenant and site of each event: '/tenants/1/sites/7'
   */
  readonly cloudEventSource?: string | undefined
  /**
   * Validates the data of events, as raised or as rendered, against the catalog's schema of their type. `'park'`: an
   * event that does not match is parked, and no webhook is sent. `'refuse'`: raising it throws `invalid_payload` in the
   * raiser's transaction, in processes that have this sender. Rendered data, and events of database triggers
   * (`captureTable`), are not known by then: those events are parked.
   * @defaultValue 'off'
   */
  readonly validate?: Validation | undefined
  /**
   * Sends an endpoint nothing until the owner of its URL has passed a challenge (`endpoints.verify`), so that tenants
   * cannot direct webhooks at a URL of others. `endpoints.create` can require it for one endpoint.
   * @defaultValue false
   */
  readonly verifyOwnership?: boolean | undefined
  /**
   * The name of this system, `events.host.example`, by which receivers of CloudEvents know who asks whether it may send to
   * them (HTTP 1.1 Web Hooks for Event Delivery, section 4). Each request carries it as `WebHook-Request-Origin`.
   *
   * With `verifyOwnership`, a receiver that does not answer the challenge is then asked by OPTIONS, and may allow this
   * system there (`WebHook-Allowed-Origin`). That shows that it wants webhooks of this system; not that the creator of
   * the endpoint owns its URL, which only the challenge does.
   * @defaultValue none: OPTIONS is not sent
   */
  readonly webhookOrigin?: string | undefined
  /**
   * Called before each attempt to decide whether the endpoint may still receive the event. `false`: nothing is sent, and the
   * delivery is cancelled with the code `not_allowed`. When it throws, or takes longer than `timeoutMs`, the attempt is
   * put off as for other faults of this side.
   * @defaultValue everything may be sent
   */
  readonly canReceive?: CanReceive | undefined
  /**
   * Milliseconds after which a node that fell silent loses its endpoints to another.
   * @defaultValue 6000
   */
  readonly leaseMs?: number | undefined
  /**
   * Longest time between two polls for work of other processes, in milliseconds.
   * @defaultValue 1000
   */
  readonly pollMaxMs?: number | undefined
  /**
   * Longest time that `stop()` waits for attempts, in milliseconds. Attempts that it cuts off are repeated later.
   * @defaultValue 10000
   */
  readonly stopTimeoutMs?: number | undefined
  /**
   * Milliseconds between two reconciliations, which repair contradictions in the tables, such as an ordering key in
   * which nothing is due. One node reconciles for all.
   * @defaultValue 300000
   */
  readonly reconcileEveryMs?: number | undefined
  /**
   * Days for which messages and their deliveries are kept; those that still wait are kept longer.
   * @defaultValue 30
   */
  readonly retentionDays?: number | undefined
  /**
   * How tenants are told what happens to their endpoints, beside the incoming webhooks of chats; see `alerts`.
   * @defaultValue none: no e-mail, and no link in alerts
   */
  readonly alerts?: AlertOptions | undefined
  /**
   * Days for which the audit log is kept.
   * @defaultValue 365
   */
  readonly auditLogRetentionDays?: number | undefined
  /**
   * The `user-agent` of every request.
   * @defaultValue 'x-events-webhooks'
   */
  readonly userAgent?: string | undefined
}

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
  readonly circuitPolicy: CircuitPolicy
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
  readonly webhookOrigin: string | undefined
  readonly leaseMs: number
  readonly pollMaxMs: number
  readonly stopTimeoutMs: number
  readonly reconcileEveryMs: number
  readonly retentionMs: number
  readonly auditLogRetentionMs: number
  readonly alerts: AlertOptions
  readonly userAgent: string
}

const MINUTE = 60
const HOUR = 3_600
const DAY_MS = 24 * HOUR * 1_000
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

const OPTIONS: FieldNames<WebhookSenderOptions<unknown>> = {
  engine: true,
  encryptionKey: true,
  previousEncryptionKeys: true,
  network: true,
  telemetry: true,
  deliver: true,
  fanOut: true,
  maxEndpointsPerTenant: true,
  retrySchedule: true,
  disableAfterDays: true,
  failingAfter: true,
  circuit: true,
  orderingKeys: true,
  timeoutMs: true,
  connectTimeoutMs: true,
  maxInFlight: true,
  maxBodyBytes: true,
  render: true,
  renderTimeoutMs: true,
  renderRetry: true,
  payloadVersions: true,
  defaultPayloadVersion: true,
  cloudEventSource: true,
  validate: true,
  verifyOwnership: true,
  webhookOrigin: true,
  canReceive: true,
  leaseMs: true,
  pollMaxMs: true,
  stopTimeoutMs: true,
  reconcileEveryMs: true,
  retentionDays: true,
  alerts: true,
  auditLogRetentionDays: true,
  userAgent: true,
}
const TELEMETRY: FieldNames<TelemetryOptions> = {
  perEndpoint: true,
  traceparent: true,
}
const RETRY: FieldNames<RetryOptions> = {
  maxAttempts: true,
  firstDelayMs: true,
  maxDelayMs: true,
}
const ALERTS: FieldNames<AlertOptions> = {
  sendMail: true,
  portalUrl: true,
}

/** @throws WebhookSenderError `invalid_option` */
export function resolveWebhookSenderOptions<DB>(given: WebhookSenderOptions<DB>): WebhookSenderSettings {
  const options = assertOption.fields('', given, OPTIONS)
  const { engine, retrySchedule = STANDARD_SCHEDULE, userAgent = 'x-events-webhooks' } = options
  assertOption(
    typeof Object(engine).subscribe === 'function',
    'engine',
    'what createEventEngine has returned',
    engine,
  )
  assertOption(isSchedule(retrySchedule), 'retrySchedule', SCHEDULE_RULE, retrySchedule)
  assertOption(
    typeof userAgent === 'string' && /^[\x20-\x7e]{1,200}$/.test(userAgent),
    'userAgent',
    '1 to 200 printable ASCII characters',
    userAgent,
  )
  return Object.freeze({
    encryptionKey: readEncryptionKey(options.encryptionKey),
    previousEncryptionKeys: readPreviousKeys(options.previousEncryptionKeys),
    deliver: assertOption.boolean('deliver', options.deliver ?? true),
    fanOut: assertOption.boolean('fanOut', options.fanOut ?? true),
    maxEndpointsPerTenant: assertOption.integer(
      'maxEndpointsPerTenant',
      options.maxEndpointsPerTenant ?? 1_000,
      1,
    ),
    ...readNetworkOptions(options.network),
    telemetry: readTelemetryOptions(options.telemetry),
    retrySchedule: [...retrySchedule],
    orderingKeys: readOrderingKeys(options.orderingKeys),
    circuitPolicy: readCircuitPolicy(options),
    timeoutMs: assertOption.integer('timeoutMs', options.timeoutMs ?? 20_000, 1),
    connectTimeoutMs: assertOption.integer('connectTimeoutMs', options.connectTimeoutMs ?? 5_000, 1),
    maxInFlight: assertOption.integer('maxInFlight', options.maxInFlight ?? 128, 1, 10_000),
    maxBodyBytes: assertOption.integer('maxBodyBytes', options.maxBodyBytes ?? 262_144, 1_024),
    renderOf: readRender(options.render),
    renderTimeoutMs: assertOption.integer('renderTimeoutMs', options.renderTimeoutMs ?? 10_000, 1),
    renderRetry: readRenderRetry(options.renderRetry),
    payloadVersions: readPayloadVersions(options.payloadVersions, options.defaultPayloadVersion),
    cloudEventSource: readCloudEventSource(options.cloudEventSource),
    validate: readValidation(options.validate),
    canReceive: readCanReceive(options.canReceive),
    verifyOwnership: assertOption.boolean('verifyOwnership', options.verifyOwnership ?? false),
    webhookOrigin: readWebhookOrigin(options.webhookOrigin),
    leaseMs: assertOption.integer('leaseMs', options.leaseMs ?? 6_000, 100),
    pollMaxMs: assertOption.integer('pollMaxMs', options.pollMaxMs ?? 1_000, 10),
    stopTimeoutMs: assertOption.integer('stopTimeoutMs', options.stopTimeoutMs ?? 10_000, 0),
    reconcileEveryMs: assertOption.integer('reconcileEveryMs', options.reconcileEveryMs ?? 300_000, 10),
    retentionMs: assertOption.integer('retentionDays', options.retentionDays ?? 30, 1, 36_500) * DAY_MS,
    auditLogRetentionMs:
      assertOption.integer('auditLogRetentionDays', options.auditLogRetentionDays ?? 365, 1, 36_500) * DAY_MS,
    alerts: readAlertOptions(options.alerts),
    userAgent,
  })
}

function readPreviousKeys(keys: WebhookSenderOptions<unknown>['previousEncryptionKeys'] = []): Buffer[] {
  assertOption(Array.isArray(keys), 'previousEncryptionKeys', 'a list of keys', 'something else')
  return Array.from(keys, (key, index) => readEncryptionKey(key, `previousEncryptionKeys[${index}]`))
}

function readAlertOptions(options: AlertOptions | undefined): AlertOptions {
  const { sendMail, portalUrl } = assertOption.fields('alerts', options, ALERTS)
  const isFunction = sendMail === undefined || typeof sendMail === 'function'
  assertOption(isFunction, 'alerts.sendMail', 'a function', sendMail)
  const isUrl =
    portalUrl === undefined ||
    (typeof portalUrl === 'string' && /^https?:$/.test(URL.parse(portalUrl)?.protocol ?? ''))
  assertOption(isUrl, 'alerts.portalUrl', 'an absolute URL', portalUrl)
  return Object.freeze({ sendMail, portalUrl })
}

function readWebhookOrigin(origin: string | undefined): string | undefined {
  const isName = typeof origin === 'string' && /^[a-z\d](?:[a-z\d.-]{0,251}[a-z\d])?$/i.test(origin)
  assertOption(
    origin === undefined || isName,
    'webhookOrigin',
    "a DNS name, such as 'events.host.example'",
    origin,
  )
  return origin
}

function readRenderRetry(options: RetryOptions | undefined): RetryOptions {
  const retry = assertOption.fields('renderRetry', options, RETRY)
  const { maxAttempts = 5, firstDelayMs = 100, maxDelayMs = 30_000 } = retry
  return Object.freeze({
    maxAttempts: assertOption.integer('renderRetry.maxAttempts', maxAttempts, 1),
    firstDelayMs: assertOption.integer('renderRetry.firstDelayMs', firstDelayMs, 0),
    maxDelayMs: assertOption.integer('renderRetry.maxDelayMs', maxDelayMs, firstDelayMs),
  })
}

function readCanReceive(canReceive: CanReceive | undefined): CanReceive | undefined {
  const isAsked = canReceive === undefined || typeof canReceive === 'function'
  assertOption(isAsked, 'canReceive', 'a function', canReceive)
  return canReceive
}

function readCloudEventSource(source: string | undefined): string | undefined {
  const isReference =
    source === undefined || (typeof source === 'string' && /^[\x21-\x7e]{1,1000}$/.test(source))
  assertOption(isReference, 'cloudEventSource', 'a URI or the path of one, in printable ASCII', source)
  return source
}

function readOrderingKeys(keys: OrderingKeys = {}): OrderingKeys {
  assertOption(isPlainObject(keys), 'orderingKeys', 'a plain object of functions', keys)
  for (const [name, keyOf] of Object.entries(keys)) {
    assertOption(
      /^[\w-]{1,100}$/.test(name) && name !== 'entity' && name !== 'tenant',
      'orderingKeys',
      "an object of functions by names of letters, digits, _ and -, other than 'entity' and 'tenant'",
      name,
    )
    assertOption(typeof keyOf === 'function', `orderingKeys.${name}`, 'a function', keyOf)
  }
  return Object.freeze({ ...keys })
}

/** What the sender reports to OpenTelemetry and to consumers. */
export interface TelemetryOptions {
  /**
   * Adds the endpoint's id to metrics, `x_webhooks.endpoint_id`: one series for each endpoint.
   * @defaultValue false
   */
  readonly perEndpoint?: boolean | undefined
  /**
   * Sends a `traceparent` with every request about an event that was raised in a trace, so that the
   * consumer's spans join it.
   * @defaultValue true
   */
  readonly traceparent?: boolean | undefined
}

/** The options with every default in place. */
export interface TelemetrySettings {
  readonly perEndpoint: boolean
  readonly traceparent: boolean
}

/** @throws WebhookSenderError `invalid_option` */
function readTelemetryOptions(options: TelemetryOptions | undefined): TelemetrySettings {
  const telemetry = assertOption.fields('telemetry', options, TELEMETRY)
  const { perEndpoint = false, traceparent = true } = telemetry
  return Object.freeze({
    perEndpoint: assertOption.boolean('telemetry.perEndpoint', perEndpoint),
    traceparent: assertOption.boolean('telemetry.traceparent', traceparent),
  })
}
