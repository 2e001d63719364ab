import { thrownMessage } from '@x/events-engine/internal'
import { brokenRule, type UrlRules } from '../endpoints/validate.ts'
import type { PostOnce } from '../http/post-once.ts'
import type { AlertTarget } from './alert-settings.ts'
import { type AlertText, CHAT_BODIES } from './alert-text.ts'

/** An e-mail, as the host is to send it. */
export interface AlertMail {
  readonly tenantId: number
  /** One address. */
  readonly to: string
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

/** What became of an alert. */
export interface SentAlert {
  readonly succeeded: boolean
  /** Of the chat's response. */
  readonly status?: number
  /** Why there was no response: a code of attempts, or `mail_failed`. */
  readonly errorCode?: string
  /** For the log. */
  readonly errorMessage?: string
}

/** Creates what sends alerts to targets of every kind. It never rejects. */
export function createAlertSender({ sendMail, postOnce, urlRules, userAgent, timeoutMs }: AlertSenderParts) {
  async function mail(tenantId: number, to: string, { subject, lines, link }: AlertText): Promise<SentAlert> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`options.alerts.sendMail took over ${timeoutMs} ms.`)),
        timeoutMs,
      )
    })
    try {
      if (!sendMail) throw new Error('options.alerts.sendMail is missing.')
      const text = [...lines, ...(link === undefined ? [] : ['', link])].join('\n')
      await Promise.race([sendMail({ tenantId, to, subject, text }), late])
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
    const succeeded = error === undefined && status !== undefined && status >= 200 && status < 300
    return {
      succeeded,
      ...(status === undefined ? {} : { status }),
      ...(error === undefined ? {} : { errorCode: error.code, errorMessage: error.message }),
    }
  }
}
