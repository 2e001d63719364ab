import { thrownMessage } from '@x/events-engine/internal'
import type { AttemptErrorCode } from '../deliveries/attempt-error-code.ts'
import { brokenRule, type UrlRules } from '../endpoints/validate.ts'
import type { PostOnce } from '../http/post-once.ts'
import type { AlertLocale, AlertTarget } from './alert-settings.ts'
import { type AlertText, CHAT_BODIES } from './alert-text.ts'

/** An e-mail, as the host is to send it. */
export interface AlertMail {
  readonly tenantId: number
  /** One address. */
  readonly to: string
  /** The language that it is written in. */
  readonly locale: AlertLocale
  readonly subject: string
  /** Plain text. */
  readonly text: string
}

/** Alerts of all tenants. */
export interface AlertOptions {
  /**
   * Sends an e-mail. When it throws, or takes longer than `timeoutMs`, it is called again later.
   * @defaultValue none: tenants can choose no e-mail
   */
  readonly sendMail?: ((mail: AlertMail) => void | Promise<void>) | undefined
  /**
   * Where the portal is, for links: `https://app.example.com/portal/`.
   * @defaultValue none: alerts hold no link
   */
  readonly portalUrl?: string | undefined
}

/** What {@link createAlertSender} needs. */
export interface AlertSenderParts {
  readonly sendMail: AlertOptions['sendMail']
  readonly postOnce: PostOnce
  readonly urlRules: UrlRules
  readonly userAgent: string
  readonly timeoutMs: number
}

/** Why an alert could not be sent. */
export type AlertErrorCode = AttemptErrorCode | 'mail_failed'

/** What became of an alert. */
export interface SentAlert {
  readonly succeeded: boolean
  /** Of the chat's response. */
  readonly status?: number
  /** Why it did not succeed: a code of attempts, or `mail_failed`. */
  readonly errorCode?: AlertErrorCode
  /** For the log. */
  readonly errorMessage?: string
}

/** Creates what sends alerts to targets of every kind. It never rejects. */
export function createAlertSender({ sendMail, postOnce, urlRules, userAgent, timeoutMs }: AlertSenderParts) {
  async function mail(
    tenantId: number,
    to: string,
    { locale, subject, lines, link }: AlertText,
  ): Promise<SentAlert> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`options.alerts.sendMail took over ${timeoutMs} ms.`)),
        timeoutMs,
      )
    })
    try {
      if (!sendMail) throw new Error('options.alerts.sendMail is missing.')
      const text = [...lines, ...(link ? ['', link.url] : [])].join('\n')
      await Promise.race([sendMail({ tenantId, to, locale, subject, text }), late])
      return { succeeded: true }
    } catch (error) {
      return { succeeded: false, errorCode: 'mail_failed', errorMessage: thrownMessage(error) }
    } finally {
      clearTimeout(timer)
    }
  }

  return async (tenantId: number, target: AlertTarget, text: AlertText): Promise<SentAlert> => {
    if (target.kind === 'email') return mail(tenantId, target.address, text)
    const url = new URL(target.url)
    // The rules may have become stricter since it was saved.
    if (brokenRule(url, urlRules)) return { succeeded: false, errorCode: 'forbidden_url' }
    const body = Buffer.from(JSON.stringify(CHAT_BODIES[target.kind](text)))
    const headers = ['content-type', 'application/json', 'user-agent', userAgent]
    const to = { origin: url.origin, path: url.pathname + url.search, tenantId }
    const { status, error } = await postOnce(to, { headers, body })
    if (error) return { succeeded: false, errorCode: error.code, errorMessage: error.message }
    if (status === undefined) return { succeeded: false, errorCode: 'network_error' }
    if (status >= 200 && status < 300) return { succeeded: true, status }
    const isRedirect = status >= 300 && status < 400
    return { succeeded: false, status, errorCode: isRedirect ? 'redirect' : 'http_status' }
  }
}
