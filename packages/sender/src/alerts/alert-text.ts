import type { EndpointFailure } from '../endpoints/endpoint-health.ts'
import type { AlertKind, AlertTarget } from './alert-settings.ts'

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
  readonly reason: string | undefined
  /** Where to look into it. */
  readonly link: string | undefined
}

/** An alert, in words. */
export interface AlertText {
  readonly subject: string
  readonly lines: readonly string[]
  readonly link: string | undefined
}

const MAX_URL_LENGTH = 300

/** Writes an alert. */
export function alertTextOf(news: AlertNews): AlertText {
  const { kind, since, lastFailure, disablesOn, link } = news
  const url = shownUrl(news.url)
  const error = lastFailure && `Last error: ${errorOf(lastFailure)}`
  const lines: Readonly<Record<AlertNews['kind'], readonly (string | undefined)[]>> = {
    failing: [
      `No request has succeeded since ${timeOf(since)}.`,
      disablesOn && `The endpoint will be disabled on ${timeOf(disablesOn)}, unless one succeeds before.`,
      error,
    ],
    disabled: [
      `Disabled since ${timeOf(since)}: ${news.reason === 'gone' ? 'it has responded with 410 Gone' : 'it was failing for too long'}.`,
      'It gets nothing until it is enabled.',
      error,
    ],
    exhausted: [
      news.count === 1
        ? `A delivery has failed for the last time, on ${timeOf(since)}.`
        : `${news.count} deliveries have failed for the last time since ${timeOf(since)}.`,
      'They are not retried; they can be sent again.',
      error,
    ],
    recovered: [`Requests succeed again since ${timeOf(since)}.`],
    test: ['This is a test: alerts about webhooks arrive here.'],
  }
  return {
    subject: SUBJECTS[kind](url),
    lines: lines[kind].filter((line) => line !== undefined),
    link,
  }
}

const SUBJECTS: Readonly<Record<AlertNews['kind'], (url: string) => string>> = {
  failing: (url) => `Webhooks to ${url} are failing`,
  disabled: (url) => `The webhook endpoint ${url} was disabled`,
  exhausted: (url) => `Webhooks to ${url} have failed`,
  recovered: (url) => `Webhooks to ${url} succeed again`,
  test: () => 'Test of webhook alerts',
}

/** Without its query, which may hold credentials. */
function shownUrl(text: string): string {
  const url = URL.parse(text)
  return (url ? url.origin + url.pathname : text).slice(0, MAX_URL_LENGTH)
}

function errorOf({ errorCode, status, on }: EndpointFailure): string {
  const what = status === undefined ? errorCode.replaceAll('_', ' ') : `HTTP ${status}`
  return `${what}, on ${timeOf(on)}`
}

function timeOf(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
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
      ...(link === undefined ? [] : [`<${escapeSlack(link)}|Open>`]),
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
          ...(link === undefined ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Open', url: link }] }),
        },
      },
    ],
  }),
  // https://docs.discord.com/developers/resources/webhook#execute-webhook
  discord: ({ subject, lines, link }) => ({
    content: [`**${subject}**`, ...lines, ...(link === undefined ? [] : [`<${link}>`])]
      .join('\n')
      .slice(0, MAX_DISCORD_LENGTH),
    // Nobody is called, whatever a URL holds.
    allowed_mentions: { parse: [] },
  }),
}

function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
