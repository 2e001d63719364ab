import { expect, it } from 'vitest'
import { type AlertNews, alertTextOf } from '../../src/alerts/alert-text.ts'

const since = new Date('2026-07-01T12:05:00Z')
const news: AlertNews = {
  kind: 'exhausted',
  url: 'https://example.com/hook?token=marble',
  since,
  count: 1,
  lastFailure: { on: since, errorCode: 'http_status', status: 500 },
  disablesOn: new Date('2026-07-06T12:05:00Z'),
  reason: 'failing',
  link: 'https://app.example.com/portal/#/endpoints/ep_1',
}
const english = { locale: 'en', timeZone: 'UTC' } as const
const german = { locale: 'de', timeZone: 'Europe/Berlin' } as const

it.each([
  [english, 'A delivery has failed for the last time, on Jul 1, 2026, 12:05 UTC.', 'It is not retried;'],
  [german, 'Eine Zustellung ist endgültig fehlgeschlagen, am 1. Juli 2026, 14:05 MESZ.', 'Sie wird nicht'],
])('tells of one delivery as of one: $locale', (reader, first, second) => {
  const { lines } = alertTextOf(news, reader)
  expect(lines).toEqual([first, expect.stringContaining(second), expect.stringContaining('HTTP 500')])
})

it.each([
  [english, '1,200 deliveries have failed for the last time since', 'They are not retried;'],
  [german, '1.200 Zustellungen sind seit', 'Sie werden nicht'],
])('tells of many as of many: $locale', (reader, first, second) => {
  const { lines } = alertTextOf({ ...news, count: 1_200 }, reader)
  expect(lines[0]).toContain(first)
  expect(lines[1]).toContain(second)
})

it('writes every kind of alert in each language, with times in the time zone of its tenant', () => {
  const kinds = ['failing', 'disabled', 'exhausted', 'recovered', 'test'] as const
  const reasons = ['gone', 'failing', 'unverified', 'manual'] as const
  const texts = [english, german].map((reader) =>
    kinds.flatMap((kind) => reasons.map((reason) => alertTextOf({ ...news, kind, reason }, reader))),
  )
  const [inEnglish = [], inGerman = []] = texts
  for (const [index, text] of inEnglish.entries()) {
    const other = inGerman[index]
    expect(text.subject).not.toBe(other?.subject)
    expect(text.lines).toHaveLength(other?.lines.length ?? 0)
    expect(text.link?.text).not.toBe(other?.link?.text)
    for (const line of [text.subject, ...text.lines]) {
      expect(line).not.toContain('marble')
      expect([other?.subject, ...(other?.lines ?? [])]).not.toContain(line)
    }
  }
  const [failing] = inGerman
  expect(failing?.subject).toBe('Webhooks an https://example.com/hook schlagen fehl')
  expect(failing?.lines).toEqual([
    'Seit 1. Juli 2026, 14:05 MESZ war keine Anfrage erfolgreich.',
    'Der Endpunkt wird am 6. Juli 2026, 14:05 MESZ deaktiviert, wenn bis dahin keine gelingt.',
    'Letzter Fehler: HTTP 500, am 1. Juli 2026, 14:05 MESZ',
  ])
})

it('says in words why an attempt had no response', () => {
  const lastFailure = { on: since, errorCode: 'dns_failure' } as const
  expect(alertTextOf({ ...news, lastFailure }, english).lines[2]).toContain('host name not found')
  expect(alertTextOf({ ...news, lastFailure }, german).lines[2]).toContain('Hostname nicht gefunden')
})
