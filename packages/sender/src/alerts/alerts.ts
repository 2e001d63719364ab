import { createHash } from 'node:crypto'
import type { FieldNames, Logger } from '@x/events-core'
import { createPeriodic, type SqlExecutor } from '@x/events-engine/internal'
import { readActor } from '../audit/audit-log.ts'
import type { SharedClock } from '../clock.ts'
import type { RecordedResults } from '../deliveries/attempt-result.ts'
import type { SecretCipher } from '../endpoints/cipher.ts'
import type { ActorScope } from '../endpoints/endpoint.ts'
import type { EndpointHealthReader } from '../endpoints/health.ts'
import { createTryLimit } from '../endpoints/try-limit.ts'
import { type UrlRules, validateTenantId } from '../endpoints/validate.ts'
import { assertArgument } from '../errors.ts'
import type { PostOnce } from '../http/post-once.ts'
import type { AlertToNote, DueAlert } from '../store/alerts.ts'
import type { DeliveryStore } from '../store/store.ts'
import { RETRY_AFTER_MS } from './alert-retries.ts'
import {
  type AlertKind,
  type AlertLocale,
  type AlertSettings,
  type AlertTarget,
  changedSettings,
  NO_ALERTS,
  shownTarget,
  type UpdateAlerts,
} from './alert-settings.ts'
import { type AlertText, alertTextOf } from './alert-text.ts'
import { type AlertOptions, createAlertSender, type SentAlert } from './send-alert.ts'

/** What became of a test of one target. */
export interface AlertTest extends Omit<SentAlert, 'errorMessage'> {
  /** As it may be shown. */
  readonly target: AlertTarget
}

/** Whom to send a test. */
export interface TestAlerts {
  readonly tenantId: number
  /**
   * Before they are saved.
   * @defaultValue those that are saved
   */
  readonly to?: readonly AlertTarget[] | undefined
  /** @defaultValue the one that is saved */
  readonly locale?: AlertLocale | undefined
}

/**
 * Tells tenants what happens to their endpoints: by e-mail, where the host sends it, and by the incoming webhooks of Slack, Teams
 * and Discord. An alert is sent at least once, and tried five times in 20 minutes; between two of one kind about one endpoint
 * there are `quietSeconds`.
 *
 * @example
 * ```ts
 * import type { WebhookSender } from '@x/sender'
 *
 * async function tellSupport(sender: WebhookSender, tenantId: number): Promise<void> {
 *   await sender.alerts.update({
 *     tenantId,
 *     on: ['failing', 'disabled', 'recovered'],
 *     to: [{ kind: 'email', address: 'support@example.com' }],
 *   })
 *   await sender.alerts.test({ tenantId })
 * }
 * ```
 */
export interface Alerts {
  /** The kinds of targets that there are here: `email` only where the host sends it. */
  readonly targetKinds: readonly AlertTarget['kind'][]
  /**
   * What a tenant is notified of, and who is; URLs are masked.
   *
   * @throws WebhookSenderError `invalid_endpoint` for what is no tenant's id
   */
  get(query: { readonly tenantId: number }): Promise<AlertSettings>
  /** @throws WebhookSenderError `invalid_argument`, `invalid_url`, `forbidden_address` */
  update(changes: UpdateAlerts, by?: Pick<ActorScope, 'actor'>): Promise<AlertSettings>
  /**
   * Sends a test now. A tenant has 20 a minute, in each process.
   *
   * @throws WebhookSenderError `invalid_argument`, `invalid_url`, `forbidden_address`, `too_many_tries`
   */
  test(query: TestAlerts): Promise<readonly AlertTest[]>
}

/** What {@link createAlerts} needs. */
export interface AlertsParts {
  readonly store: DeliveryStore
  readonly cipher: SecretCipher
  readonly clock: SharedClock
  readonly logger: Logger
  readonly alerts: AlertOptions
  readonly urlRules: UrlRules
  readonly userAgent: string
  readonly timeoutMs: number
  readonly stopTimeoutMs: number
  readonly health: EndpointHealthReader
  readonly postOnce: PostOnce
}

/** Alerts, and what sends them. */
export interface AlertWork {
  readonly alerts: Alerts
  /** Begins to send. */
  start(): void
  /** Sends no more, and waits at most `stopTimeoutMs` for what is being sent. What is cut off is sent again. */
  stop(): Promise<void>
  /** There may be alerts to send. */
  look(): void
  /** Notes what tenants are to be told of, in the transaction that records it. */
  note(trx: SqlExecutor, recorded: RecordedResults): Promise<void>
}

/** By the machine's timers; what is due is decided by the shared clock. */
const LOOK_EVERY_MS = 10_000
/** Most alerts that a process sends at once, and of one tenant: its chats may not respond. */
const MAX_SENDING = 50
const MAX_SENDING_OF_TENANT = 5

const FIELDS = ['on', 'to', 'quietSeconds', 'locale', 'timeZone'] as const
const GET: FieldNames<{ readonly tenantId: number }> = {
  tenantId: true,
}
const UPDATE: FieldNames<UpdateAlerts> = {
  tenantId: true,
  on: true,
  to: true,
  quietSeconds: true,
  locale: true,
  timeZone: true,
}
const TRY: FieldNames<TestAlerts> = {
  tenantId: true,
  to: true,
  locale: true,
}

/** Encrypted targets are bound to their tenant. */
const alertOwner = (tenantId: number) => `alerts:${tenantId}`

/** Creates the alerts of a sender. */
export function createAlerts(parts: AlertsParts): AlertWork {
  const { store, cipher, clock, logger, timeoutMs, stopTimeoutMs, health } = parts
  const { sendMail, portalUrl } = parts.alerts
  const targetKinds = [...(sendMail ? (['email'] as const) : []), 'slack', 'teams', 'discord'] as const
  const rules = { ...parts, targetKinds }
  const send = createAlertSender({ ...parts, sendMail })
  const countTest = createTryLimit(clock)

  async function readSettings(
    tenantId: number,
  ): Promise<{ readonly settings: AlertSettings; readonly sealed?: string }> {
    const row = await store.readAlertSettings(tenantId)
    if (!row) return { settings: NO_ALERTS }
    const { sealed, keyId: _, ...rest } = row
    const to = JSON.parse(cipher.decrypt(sealed, alertOwner(tenantId))) as AlertTarget[]
    return { settings: { ...rest, to }, sealed }
  }

  const settingsOf = async (tenantId: number) => (await readSettings(tenantId)).settings

  const shown = (settings: AlertSettings): AlertSettings => ({
    ...settings,
    to: settings.to.map(shownTarget),
  })

  const loop = createPeriodic({
    run: sendWhatIsDue,
    failed: (error) => logger.warn({ err: error }, 'Alerts about webhooks could not be sent; trying again'),
    everyMs: LOOK_EVERY_MS,
  })

  /** The tenant of each alert that is being sent. */
  const sending = new Map<Promise<void>, number>()

  function fullTenants(): readonly number[] {
    const counts = Map.groupBy(sending.values(), (tenantId) => tenantId)
    return [...counts]
      .filter(([, { length }]) => length >= MAX_SENDING_OF_TENANT)
      .map(([tenantId]) => tenantId)
  }

  /** Begins to send what is due, as far as there are slots, and waits for nothing: a chat that does not respond holds up no other. */
  async function sendWhatIsDue(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sync()
      const now = clock.now()
      const due = await store.dueAlerts(now, fullTenants())
      if (due.length === 0) return
      for (const alert of due) {
        if (signal.aborted || sending.size >= MAX_SENDING) return
        if (fullTenants().includes(alert.tenantId)) continue
        const taken = await store.takeAlert(alert, now, now + 2 * timeoutMs + LOOK_EVERY_MS)
        if (taken) begin(taken)
      }
    }
  }

  function begin(alert: DueAlert): void {
    const sent = sendOrLog(alert).finally(() => {
      sending.delete(sent)
      void loop.now()
    })
    sending.set(sent, alert.tenantId)
  }

  async function stop(): Promise<void> {
    await loop.stop()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopTimeoutMs)
    })
    await Promise.race([Promise.allSettled(sending.keys()), late])
    clearTimeout(timer)
  }

  /** Settings of one tenant that cannot be read delay no other tenant: the alert is due again when its time is over. */
  async function sendOrLog(alert: DueAlert): Promise<void> {
    const { tenantId, kind } = alert
    await sendOne(alert).catch((error: unknown) =>
      logger.warn({ err: error, tenantId, kind }, 'An alert could not be sent; trying again'),
    )
  }

  async function sendOne(alert: DueAlert): Promise<void> {
    const { tenantId, kind } = alert
    const { on, to, quietSeconds, ...reader } = await settingsOf(tenantId)
    const isWanted =
      on.includes(kind) && to.length > 0 && (kind !== 'recovered' || (await isKnownToFail(alert, on)))
    const text = isWanted ? await textOf(alert, reader) : undefined
    if (!text) {
      return store.endAlert(alert, { now: clock.now(), quietUntil: 0, isTold: alert.sent.length > 0 })
    }
    const left = to.filter((target) => !alert.sent.includes(digestOf(target)))
    const outcomes = await Promise.all(
      left.map(async (target) => ({ target, ...(await send(tenantId, target, text)) })),
    )
    const failed = outcomes.filter(({ succeeded }) => !succeeded)
    const now = clock.now()
    const delayMs = RETRY_AFTER_MS[alert.attempts]
    for (const { target, status, errorCode, errorMessage } of failed) {
      const about = { tenantId, kind, target: target.kind, status, errorCode, errorMessage }
      logger.warn(
        about,
        delayMs === undefined ? 'An alert could not be sent' : 'An alert could not be sent; trying again',
      )
    }
    if (failed.length === 0 || delayMs === undefined) {
      return store.endAlert(alert, { now, quietUntil: now + quietSeconds * 1_000, isTold: true })
    }
    const sent = to.filter((target) => failed.every((one) => one.target !== target)).map(digestOf)
    await store.retryAlert(alert, { sent, dueOn: now + delayMs })
  }

  /** A recovery is reported only where the failure was, which may have ended within the quiet period. */
  async function isKnownToFail({ endpointKey }: DueAlert, on: readonly AlertKind[]): Promise<boolean> {
    const failures = (['failing', 'disabled'] as const).filter((kind) => on.includes(kind))
    if (failures.length === 0) return true
    const told = await store.readTold(endpointKey)
    const toldOn = Math.max(...failures.map((kind) => told.get(kind) ?? 0))
    return toldOn > 0 && toldOn >= (told.get('recovered') ?? 0)
  }

  /** Undefined where it is no longer so: the endpoint is gone, or does otherwise by now. */
  async function textOf(
    { endpointKey, kind, count, since }: DueAlert,
    reader: Pick<AlertSettings, 'locale' | 'timeZone'>,
  ): Promise<AlertText | undefined> {
    const endpoint = await store.readEndpoint(endpointKey)
    const state = (await health.read([endpointKey])).get(endpointKey)
    if (!endpoint || !state) return undefined
    const { failingSince, disabledOn, disabledReason, disablesOn, failures } = state
    const isSo: Readonly<Record<AlertKind, boolean>> = {
      failing: failingSince !== undefined && endpoint.enabled,
      disabled: !endpoint.enabled,
      recovered: failingSince === undefined && endpoint.enabled,
      exhausted: true,
    }
    if (!isSo[kind]) return undefined
    const begun = kind === 'failing' ? failingSince : kind === 'disabled' ? disabledOn : undefined
    const news = {
      kind,
      url: endpoint.url ?? '',
      since: begun ?? new Date(since),
      count,
      lastFailure: failures.at(-1),
      disablesOn,
      reason: disabledReason,
      link: portalUrl && `${portalUrl}#/endpoints/${endpoint.id}`,
    }
    return alertTextOf(news, reader)
  }

  return {
    start: loop.start,
    stop,
    look: () => void loop.now(),
    alerts: {
      targetKinds,

      async get(scope) {
        const { tenantId } = assertArgument.fields('', scope, GET)
        return shown(await settingsOf(validateTenantId(tenantId)))
      },

      async update(given, by) {
        const actor = readActor(by)
        const changes = assertArgument.fields('', given, UPDATE)
        const tenantId = validateTenantId(changes.tenantId)
        const fields = FIELDS.filter((name) => changes[name] !== undefined)
        const record = { action: 'alerts_changed', actor, details: { fields } } as const
        // What is left out stays as it is, also where somebody else changes it meanwhile.
        for (;;) {
          const before = await readSettings(tenantId)
          const settings = changedSettings(before.settings, changes, rules)
          const { to, ...plain } = settings
          const sealed = cipher.encrypt(JSON.stringify(to), alertOwner(tenantId))
          const row = { ...plain, sealed, keyId: cipher.keyId }
          if (await store.saveAlertSettings(tenantId, row, record, clock.now(), before.sealed)) {
            return shown(settings)
          }
        }
      },

      async test(options) {
        const { tenantId: given, ...unsaved } = assertArgument.fields('', options, TRY)
        const tenantId = validateTenantId(given)
        const { to: targets, ...reader } = changedSettings(await settingsOf(tenantId), unsaved, rules)
        countTest(tenantId)
        const text = alertTextOf({ ...TEST, link: portalUrl }, reader)
        return Promise.all(
          targets.map(async (target) => {
            const { errorMessage: _, ...sent } = await send(tenantId, target, text)
            return { target: shownTarget(target), ...sent }
          }),
        )
      },
    },

    async note(trx, { endpoints, notices, exhausted }) {
      const counts = Map.groupBy(exhausted, ({ endpointKey }) => endpointKey)
      const alerts: AlertToNote[] = [
        ...notices.map(({ endpointKey, notice }) => ({ endpointKey, kind: notice.kind, count: 1 })),
        ...[...counts].map(([endpointKey, rows]) => ({
          endpointKey,
          kind: 'exhausted' as const,
          count: rows.length,
        })),
      ].filter(({ endpointKey }) => endpoints.has(endpointKey))
      // One row for each endpoint and kind: a statement changes a row once.
      const distinct = new Map(alerts.map((alert) => [`${alert.endpointKey} ${alert.kind}`, alert]))
      if (distinct.size > 0) await store.noteAlerts(trx, [...distinct.values()], clock.now())
    },
  }
}

const TEST = {
  kind: 'test',
  url: '',
  since: new Date(0),
  count: 1,
  lastFailure: undefined,
  disablesOn: undefined,
  reason: undefined,
} as const

function digestOf(target: AlertTarget): string {
  return createHash('sha256').update(JSON.stringify(target)).digest('hex').slice(0, 16)
}
