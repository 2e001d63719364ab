import { isListOf } from '@x/events-core'
import { type UrlRules, validateUrl } from '../endpoints/validate.ts'
import { assertArgument } from '../errors.ts'

/**
 * What a tenant is notified of. `failing`: no attempt to reach an endpoint has succeeded for a while (`failingAfter`); again at 50, 70
 * and 90 percent of the time until it is disabled. `disabled`: the sender has disabled it. `recovered`: one that was failing or
 * disabled succeeds again. `exhausted`: a delivery has failed for the last time.
 */
export type AlertKind = 'failing' | 'disabled' | 'exhausted' | 'recovered'

/** Whom to tell: an e-mail address, or the incoming webhook of a chat. */
export type AlertTarget =
  | { readonly kind: 'email'; readonly address: string }
  | {
      readonly kind: 'slack' | 'teams' | 'discord'
      /** Whoever has it can post there: shown with its end alone, `https://hooks.slack.com/***a1b2`. */
      readonly url: string
    }

/** The languages that alerts are written in. */
export type AlertLocale = 'en' | 'de'

/** What a tenant is notified of, and how. */
export interface AlertSettings {
  readonly on: readonly AlertKind[]
  readonly to: readonly AlertTarget[]
  /** Seconds between two alerts of one kind about one endpoint; what happens in between is combined into one alert. */
  readonly quietSeconds: number
  readonly locale: AlertLocale
  /** That of the times in alerts, an IANA name: `Europe/Berlin`. */
  readonly timeZone: string
}

/** What to change of the settings. What is left out stays as it is. */
export interface UpdateAlerts {
  readonly tenantId: number
  /** What to tell of: `failing`, `disabled`, `exhausted`, `recovered`. */
  readonly on?: readonly AlertKind[] | undefined
  /** Whom to tell, at most 10. A URL as it was shown stands for the one that is stored. */
  readonly to?: readonly AlertTarget[] | undefined
  /**
   * Seconds between two alerts of one kind about one endpoint, 0 to 604800.
   * @defaultValue 3600, where nothing was set before
   */
  readonly quietSeconds?: number | undefined
  /**
   * The language that alerts are written in.
   * @defaultValue 'en', where nothing was set before
   */
  readonly locale?: AlertLocale | undefined
  /**
   * The IANA name of the time zone of the times in alerts.
   * @defaultValue 'UTC', where nothing was set before
   */
  readonly timeZone?: string | undefined
}

/** A full record, so that no language is left out. */
const LOCALES: Readonly<Record<AlertLocale, true>> = { en: true, de: true }

const ALERT_KINDS: readonly AlertKind[] = ['failing', 'disabled', 'exhausted', 'recovered']

/** What a tenant has that has set nothing: no alerts. */
export const NO_ALERTS: AlertSettings = Object.freeze({
  on: [],
  to: [],
  quietSeconds: 3_600,
  locale: 'en',
  timeZone: 'UTC',
})

const MAX_TARGETS = 10
const MAX_QUIET_SECONDS = 7 * 24 * 60 * 60
const ADDRESS = /^[^\s@<>,;"\p{Cc}]{1,64}@[^\s@<>,;"\p{Cc}]{1,255}$/u
const SHOWN_CHARACTERS = 4
const MASK = '***'
const MAX_ZONE_LENGTH = 64

/** What {@link changedSettings} checks by. */
export interface AlertRules {
  readonly urlRules: UrlRules
  readonly targetKinds: readonly AlertTarget['kind'][]
}

/**
 * Reads what is to be changed of the settings, on top of what they were.
 *
 * @throws WebhookSenderError `invalid_argument`, `invalid_url`, `forbidden_address`
 */
export function changedSettings(
  before: AlertSettings,
  changes: Omit<UpdateAlerts, 'tenantId'>,
  rules: AlertRules,
): AlertSettings {
  const { on = before.on, quietSeconds = before.quietSeconds } = changes
  const { locale = before.locale, timeZone = before.timeZone } = changes
  const areKinds = isListOf(on, (kind) => ALERT_KINDS.includes(kind as AlertKind))
  assertArgument(areKinds, 'on', `a list of ${ALERT_KINDS.join(', ')}`, on)
  assertArgument.oneOf('locale', locale, Object.keys(LOCALES))
  assertArgument(isTimeZone(timeZone), 'timeZone', "an IANA time zone, such as 'Europe/Berlin'", timeZone)
  return {
    on: ALERT_KINDS.filter((kind) => on.includes(kind)),
    to: changes.to === undefined ? before.to : readTargets(changes.to, before.to, rules),
    quietSeconds: assertArgument.integer('quietSeconds', quietSeconds, 0, MAX_QUIET_SECONDS),
    locale,
    timeZone,
  }
}

function isTimeZone(timeZone: unknown): boolean {
  if (typeof timeZone !== 'string' || timeZone.length > MAX_ZONE_LENGTH) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return true
  } catch {
    return false
  }
}

function readTargets(
  given: unknown,
  before: readonly AlertTarget[],
  rules: AlertRules,
): readonly AlertTarget[] {
  const isList = Array.isArray(given) && given.length <= MAX_TARGETS
  assertArgument(isList, 'to', `a list of at most ${MAX_TARGETS} targets`, given)
  // Two may look the same as they are shown: each that is stored stands for one, in their order.
  const left = [...before]
  return Array.from(given, (target: unknown, index) => readTarget(target, `to[${index}]`, left, rules))
}

function readTarget(
  given: unknown,
  field: string,
  left: AlertTarget[],
  { urlRules, targetKinds }: AlertRules,
): AlertTarget {
  const { kind, address, url } = Object(given) as Readonly<Record<'kind' | 'address' | 'url', unknown>>
  assertArgument.oneOf(`${field}.kind`, kind, targetKinds)
  if (kind === 'email') {
    const isAddress = typeof address === 'string' && ADDRESS.test(address)
    assertArgument(isAddress, `${field}.address`, 'an e-mail address', address)
    return { kind, address }
  }
  const known = left.findIndex((one) => one.kind === kind && shownTarget(one).url === url)
  if (known >= 0) return left.splice(known, 1)[0] as AlertTarget
  const isShown = typeof url === 'string' && url.includes(`/${MASK}`)
  assertArgument(
    !isShown,
    `${field}.url`,
    'a URL in full: of those that are shown with ***, none is left',
    url,
  )
  return { kind: kind as 'slack' | 'teams' | 'discord', url: validateUrl(url, urlRules, urlField(field)) }
}

const urlField = (target: string) => ({ field: `${target}.url`, name: `${target}.url` })

/** A target as it may be shown. */
export function shownTarget<TTarget extends AlertTarget>(
  target: TTarget,
): TTarget & { readonly url?: string } {
  if (target.kind === 'email') return target
  const end = target.url.slice(-SHOWN_CHARACTERS)
  return { ...target, url: `${new URL(target.url).origin}/${MASK}${end}` }
}
