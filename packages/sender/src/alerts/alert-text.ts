import type { DisabledReason } from '../endpoints/endpoint.ts'
import type { EndpointFailure } from '../endpoints/endpoint-health.ts'
import type { AlertKind, AlertLocale, AlertSettings, AlertTarget } from './alert-settings.ts'
import type { AlertTexts } from './texts/alert-texts.ts'
import { de } from './texts/de.ts'
import { en } from './texts/en.ts'

/** What an alert tells of. */
export interface AlertNews {
  readonly kind: AlertKind | 'test'
  readonly url: string
  /** Since when it has been so. */
  readonly since: Date
  readonly count: number
  readonly lastFailure: EndpointFailure | undefined
  /** When the endpoint will be disabled, unless an attempt succeeds. */
  readonly disablesOn: Date | undefined
  readonly reason: DisabledReason | undefined
  /** Where to look into it. */
  readonly link: string | undefined
}

/** An alert, in words. */
export interface AlertText {
  readonly locale: AlertLocale
  readonly subject: string
  readonly lines: readonly string[]
  readonly link: { readonly url: string; readonly text: string } | undefined
}

const TEXTS: Readonly<Record<AlertLocale, AlertTexts>> = { en, de }
const MAX_URL_LENGTH = 300

/** Writes an alert, in the language and the time zone of its tenant. */
export function alertTextOf(
  news: AlertNews,
  { locale, timeZone }: Pick<AlertSettings, 'locale' | 'timeZone'>,
): AlertText {
  const { kind, count, lastFailure, disablesOn, link } = news
  const texts = TEXTS[locale]
  const format = new Intl.DateTimeFormat(locale, { ...TIME_PARTS, timeZone })
  const since = format.format(news.since)
  const error = lastFailure && texts.lastError(failureText(lastFailure, texts), format.format(lastFailure.on))
  const shownCount = new Intl.NumberFormat(locale).format(count)
  const lines: Readonly<Record<AlertNews['kind'], readonly (string | undefined)[]>> = {
    failing: [
      texts.noSuccessSince(since),
      disablesOn && texts.willBeDisabled(format.format(disablesOn)),
      error,
    ],
    disabled: [texts.disabled[news.reason ?? 'manual'](since), texts.getsNothing, error],
    exhausted: [texts.exhausted(count, shownCount, since), texts.isNotRetried(count), error],
    recovered: [texts.succeedsSince(since)],
    test: [texts.test],
  }
  return {
    locale,
    subject: texts.subjects[kind](shownUrl(news.url)),
    lines: lines[kind].filter((line) => line !== undefined),
    link: link === undefined ? undefined : { url: link, text: texts.open },
  }
}

const TIME_PARTS = {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
} as const

function failureText({ errorCode, status }: EndpointFailure, { errors }: AlertTexts): string {
  return status === undefined ? errors[errorCode] : `HTTP ${status}`
}

/** Without its query, which may hold credentials. */
function shownUrl(text: string): string {
  const url = URL.parse(text)
  return (url ? url.origin + url.pathname : text).slice(0, MAX_URL_LENGTH)
}

const MAX_DISCORD_LENGTH = 2_000

/** The JSON that the incoming webhooks of each chat take. */
export const CHAT_BODIES: Readonly<
  Record<Exclude<AlertTarget['kind'], 'email'>, (text: AlertText) => object>
> = {
  // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
  slack: ({ subject, lines, link }) => ({
    text: [
      `*${escapeSlack(subject)}*`,
      ...lines.map(escapeSlack),
      ...(link ? [`<${escapeSlack(link.url)}|${escapeSlack(link.text)}>`] : []),
    ].join('\n'),
    unfurl_links: false,
  }),
  // A workflow of Teams takes a message with an adaptive card.
  teams: ({ subject, lines, link }) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'TextBlock', text: subject, weight: 'Bolder', wrap: true },
            ...lines.map((text) => ({ type: 'TextBlock', text, wrap: true })),
          ],
          ...(link ? { actions: [{ type: 'Action.OpenUrl', title: link.text, url: link.url }] } : {}),
        },
      },
    ],
  }),
  // https://docs.discord.com/developers/resources/webhook#execute-webhook
  discord: ({ subject, lines, link }) => ({
    content: [`**${subject}**`, ...lines, ...(link ? [`<${link.url}>`] : [])]
      .join('\n')
      .slice(0, MAX_DISCORD_LENGTH),
    // Nobody is called, whatever a URL holds.
    allowed_mentions: { parse: [] },
  }),
}

function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
