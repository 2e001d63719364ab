import { sqlDialectOf } from '@x/events-engine/internal'
import { manualClock, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import type { Kysely } from 'kysely'
import { expect } from 'vitest'
import { asSharedClock } from '../../src/clock.ts'
import type { AlertMail } from '../../src/index.ts'
import { openStore } from '../../src/store/store.ts'
import { tableNames } from '../../src/table-names.ts'
import { it, testDialect } from '../each-database.ts'
import { openHost, site, startHost } from '../open-host.ts'

const textsOf = ({ requests }: TestConsumer) =>
  requests.map(({ rawBody }) => (JSON.parse(String(rawBody)) as { text: string }).text)

it('tells of an endpoint that was disabled, by e-mail and in each chat', async () => {
  const mails: AlertMail[] = []
  await using host = await startHost({
    alerts: { sendMail: (mail) => void mails.push(mail), portalUrl: 'https://app.example.com/portal/' },
  })
  await using consumer = await testConsumer()
  await using slack = await testConsumer()
  await using teams = await testConsumer()
  await using discord = await testConsumer()
  consumer.answer(410)
  const { alerts, endpoints } = host.sender
  await alerts.update({
    tenantId: 1,
    on: ['disabled'],
    to: [
      { kind: 'email', address: 'ada@example.com' },
      { kind: 'slack', url: slack.url },
      { kind: 'teams', url: teams.url },
      { kind: 'discord', url: discord.url },
    ],
  })
  const { endpoint } = await endpoints.create({ tenantId: 1, url: `${consumer.url}?token=marble` })
  await endpoints.create({ tenantId: 2, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await host.engine.syncManager.addSyncEvent({ ...site, tenantId: 2 }, 'File', 1, 'Update')
  await waitFor(
    () => mails.length + slack.requests.length + teams.requests.length + discord.requests.length === 4,
    'alerts',
  )

  expect(mails).toEqual([
    {
      tenantId: 1,
      to: 'ada@example.com',
      locale: 'en',
      subject: `The webhook endpoint ${consumer.url} was disabled`,
      text: expect.stringContaining('410 Gone'),
    },
  ])
  const link = `https://app.example.com/portal/#/endpoints/${endpoint.id}`
  expect(mails[0]?.text).toContain(link)
  expect(textsOf(slack)[0]).toContain(`<${link}|Open>`)
  expect(JSON.parse(String(teams.requests[0]?.rawBody))).toMatchObject({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: { type: 'AdaptiveCard', actions: [{ type: 'Action.OpenUrl', url: link }] },
      },
    ],
  })
  expect(JSON.parse(String(discord.requests[0]?.rawBody))).toMatchObject({
    content: expect.stringContaining('was disabled'),
    allowed_mentions: { parse: [] },
  })
  for (const { requests } of [slack, teams, discord])
    expect(String(requests[0]?.rawBody)).not.toContain('marble')
})

it('tells once in a quiet period, whatever fails meanwhile, and tries again what was not taken', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using consumer = await testConsumer()
  await using chat = await testConsumer()
  consumer.answer(500)
  chat.answer(() => ({ status: chat.requests.length === 1 ? 503 : 200 }))
  const { alerts, endpoints } = host.sender
  await alerts.update({ tenantId: 1, on: ['exhausted'], to: [{ kind: 'slack', url: chat.url }] })
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  for (const id of [1, 2, 3]) {
    await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Update')
    await host.sender.drain()
  }
  await waitFor(() => chat.requests.length === 1, 'the first alert')
  const waiting = () =>
    host.run<{ count: number; attempts: number }>('select count, attempts from xe_webhook_alert')
  await waitFor(async () => (await waiting())[0]?.attempts === 1, 'another attempt to wait')
  expect(chat.requests).toHaveLength(1)
  // Its time has come.
  await host.run('update xe_webhook_alert set due_on = 0')
  await host.engine.syncManager.addSyncEvent(site, 'File', 4, 'Update')
  await host.sender.drain()
  await waitFor(async () => (await waiting())[0]?.attempts === 0, 'the alert to be taken', 15_000)
  expect(chat.requests).toHaveLength(2)
  expect(textsOf(chat)[1]).toContain('4 deliveries have failed for the last time')
  expect(textsOf(chat)[1]).toContain('HTTP 500')
  await endpoints.delete(endpoint.id)
  expect(await waiting()).toEqual([])
})

it('keeps URLs secret, takes a masked one for the stored one, and sends a test', async () => {
  await using host = await openHost()
  await using chat = await testConsumer()
  const { alerts, auditLog } = host.sender
  const unset = { on: [], to: [], quietSeconds: 3_600, locale: 'en', timeZone: 'UTC' }
  expect(await alerts.get({ tenantId: 1 })).toEqual(unset)
  expect(alerts.targetKinds).toEqual(['slack', 'teams', 'discord'])
  const url = `${chat.url}/services/marble1234`
  const shown = await alerts.update({ tenantId: 1, to: [{ kind: 'slack', url }] }, { actor: 'Ada' })
  const masked = { kind: 'slack', url: `${new URL(chat.url).origin}/***1234` } as const
  expect(shown).toEqual({ ...unset, to: [masked] })
  expect(await host.run('select sealed, kinds from xe_webhook_alert_settings')).not.toContain('marble')
  await alerts.update({ tenantId: 1, on: ['recovered', 'failing'], to: [masked], quietSeconds: 0 })
  expect(await alerts.get({ tenantId: 1 })).toEqual({
    ...unset,
    on: ['failing', 'recovered'],
    to: [masked],
    quietSeconds: 0,
  })
  expect(await alerts.test({ tenantId: 1 })).toEqual([
    { target: masked, succeeded: true, status: expect.any(Number) },
  ])
  expect(chat.requests[0]?.path).toBe('/hook/services/marble1234')
  expect((await auditLog.list({ tenantId: 1 })).at(-1)).toMatchObject({
    action: 'alerts_changed',
    actor: 'Ada',
    details: { fields: ['to'] },
  })
  await expect(
    alerts.update({ tenantId: 1, to: [{ kind: 'email', address: 'ada@example.com' }] }),
  ).rejects.toMatchObject({ code: 'invalid_argument', field: 'to[0].kind' })
  await expect(
    alerts.test({ tenantId: 1, to: [{ kind: 'slack', url: 'http://10.0.0.1/' }] }),
  ).rejects.toMatchObject({ code: 'forbidden_address' })
  expect(await alerts.get({ tenantId: 2 })).toMatchObject({ to: [] })
})

it('has one of two nodes send an alert, and another one when that node is gone', async () => {
  await using host = await openHost()
  const now = 1_000_000
  const storeOf = (nodeId: string) =>
    openStore({
      db: host.db as unknown as Kysely<unknown>,
      sql: sqlDialectOf(testDialect()),
      names: tableNames('xe_', undefined),
      nodeId,
      clock: asSharedClock(manualClock(now)),
    })
  const [first, second] = [storeOf('first'), storeOf('second')]
  const takeAll = async (store: typeof first, at: number, until: number) => {
    const taken = []
    for (const alert of await store.dueAlerts(at, [])) taken.push(await store.takeAlert(alert, at, until))
    return taken.filter((alert) => alert !== undefined)
  }
  const endpoints = [1, 2, 3, 4, 5]
  for (const key of endpoints) {
    await host.run(`insert into xe_webhook_alert (endpoint_key, kind, tenant_id, count, since, due_on)
      values (${key}, 'failing', 1, 1, ${now}, ${now})`)
  }
  const taken = await Promise.all([first, second].map((store) => takeAll(store, now, now + 1_000)))
  expect(
    taken
      .flat()
      .map(({ endpointKey }) => endpointKey)
      .toSorted(),
  ).toEqual(endpoints)
  expect(await takeAll(second, now + 999, now + 5_000)).toEqual([])

  // Both were killed while they sent; one of them was only slow, and says so too late.
  const again = await takeAll(second, now + 1_000, now + 5_000)
  expect(again).toHaveLength(5)
  const left = async () => (await host.run('select 1 from xe_webhook_alert where due_on is not null')).length
  for (const alert of taken.flat()) await first.endAlert(alert, { now, quietUntil: now, isTold: true })
  expect(await left()).toBe(5)
  for (const alert of again) await second.endAlert(alert, { now, quietUntil: now, isTold: true })
  expect(await left()).toBe(0)
})
