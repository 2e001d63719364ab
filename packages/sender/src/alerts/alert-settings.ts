import { type UrlRules, validateUrl } from '../endpoints/validate.ts'
import { assertArgument } from '../errors.ts'

/**
 * What a tenant is told of. `failing`: no attempt to reach an endpoint has succeeded for a while (half of the time until it is
 * disabled, then 70 and 90 percent). `disabled`: the sender has disabled it. `recovered`: one that was failing succeeds again.
 * `exhausted`: a delivery has failed for the last time.
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

/** What a tenant is told of, and how. */
export interface AlertSettings {
  readonly on: readonly AlertKind[]
  readonly to: readonly AlertTarget[]
  /** Seconds between two alerts of one kind about one endpoint; what happens meanwhile is told of together. */
  readonly quietSeconds: number
}

/** What to change of the settings. What is left out stays as it is. */
export interface UpdateAlerts {
  readonly tenantId: number
  readonly on?: readonly AlertKind[] | undefined
  /** At most 10. A URL as it was shown stands for the one that is stored. */
  readonly to?: readonly AlertTarget[] | undefined
  /**
   * 0 to 604800.
   * @defaultValue 3600, where nothing was set before
   */
  readonly quietSeconds?: number | undefined
}

const ALERT_KINDS: readonly AlertKind[] = ['failing', 'disabled', 'exhausted', 'recovered']

/** What a tenant has that has set nothing: no alerts. */
export const NO_ALERTS: AlertSettings = Object.freeze({ on: [], to: [], quietSeconds: 3_600 })

const MAX_TARGETS = 10
const MAX_QUIET_SECONDS = 7 * 24 * 60 * 60
const ADDRESS = /^[^\s@<>,;"\p{Cc}]{1,64}@[^\s@<>,;"\p{Cc}]{1,255}$/u
const SHOWN_CHARACTERS = 4

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
  changes: UpdateAlerts,
  rules: AlertRules,
): AlertSettings {
  const { on = before.on, quietSeconds = before.quietSeconds } = changes
  const areKinds = Array.isArray(on) && on.every((kind) => ALERT_KINDS.includes(kind))
  assertArgument(areKinds, 'on', `a list of ${ALERT_KINDS.join(', ')}`, on)
  return {
    on: ALERT_KINDS.filter((kind) => on.includes(kind)),
    to: changes.to === undefined ? before.to : readTargets(changes.to, before.to, rules),
    quietSeconds: assertArgument.integer('quietSeconds', quietSeconds, 0, MAX_QUIET_SECONDS),
  }
}

/** @throws WebhookSenderError `invalid_argument`, `invalid_url`, `forbidden_address` */
export function readTargets(
  given: unknown,
  before: readonly AlertTarget[],
  rules: AlertRules,
): readonly AlertTarget[] {
  const isList = Array.isArray(given) && given.length <= MAX_TARGETS
  assertArgument(isList, 'to', `a list of at most ${MAX_TARGETS} targets`, given)
  return given.map((target: unknown, index) => readTarget(target, `to[${index}]`, before, rules))
}

function readTarget(
  given: unknown,
  field: string,
  before: readonly AlertTarget[],
  { urlRules, targetKinds }: AlertRules,
): AlertTarget {
  const { kind, address, url } = Object(given) as Readonly<Record<'kind' | 'address' | 'url', unknown>>
  assertArgument.oneOf(`${field}.kind`, kind, targetKinds)
  if (kind === 'email') {
    const isAddress = typeof address === 'string' && ADDRESS.test(address)
    assertArgument(isAddress, `${field}.address`, 'an e-mail address', address)
    return { kind, address }
  }
  const known = before.find((one) => one.kind === kind && shownTarget(one).url === url)
  if (known) return known
  return { kind: kind as 'slack' | 'teams' | 'discord', url: validateUrl(url, urlRules) }
}

/** A target as it may be shown. */
export function shownTarget<TTarget extends AlertTarget>(
  target: TTarget,
): TTarget & { readonly url?: string } {
  if (target.kind === 'email') return target
  const end = target.url.slice(-SHOWN_CHARACTERS)
  return { ...target, url: `${new URL(target.url).origin}/***${end}` }
}
