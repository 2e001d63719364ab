import { type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { AlertMail, AlertTarget } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { openHost, recordingLogger, site, startHost } from '../open-host.ts'

const slack = (url: string): AlertTarget => ({ kind: 'slack', url })

it('follows no redirect, and says so', async () => {
  await using host = await openHost()
  await using chat = await testConsumer()
  await using inside = await testConsumer()
  chat.answer(() => ({ status: 302, headers: { location: inside.url } }))
  const [result] = await host.sender.alerts.test({ tenantId: 1, to: [slack(chat.url)] })
  expect(result).toMatchObject({ succeeded: false, status: 302, errorCode: 'redirect' })
  expect(inside.requests).toEqual([])
})

it('connects to no name that leads into a private network, and says so', async () => {
  const logger = recordingLogger()
  await using consumer = await testConsumer()
  const { port } = new URL(consumer.url)
  await using host = await startHost({
    network: {
      allow: ['127.0.0.1/32'],
      resolve: async (name) => [name === 'consumer.example' ? '127.0.0.1' : '127.0.0.2'],
    },
    retrySchedule: [0],
    engine: { logger },
  })
  consumer.answer(400)
  const { alerts, endpoints } = host.sender
  const to = [slack(`http://hooks.example:${port}/services/marble`)]
  const [result] = await alerts.test({ tenantId: 1, to })
  expect(result).toMatchObject({ succeeded: false, errorCode: 'forbidden_address' })
  expect(result).not.toHaveProperty('status')

  // The same for what is sent later, when the name leads elsewhere than when it was saved.
  await alerts.update({ tenantId: 1, on: ['exhausted'], to })
  await endpoints.create({ tenantId: 1, url: `http://consumer.example:${port}/hook` })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  const warning = () => logger.messages.find((message) => message.startsWith('An alert could not be sent'))
  await waitFor(warning, 'the alert to be refused', 60_000)
  expect(warning()).toContain('forbidden_address')
  expect(logger.messages.join()).not.toContain('marble')
  expect(consumer.requests.map(({ path }) => path)).toEqual(['/hook'])
})

it.each([
  ['a private address', 'http://10.0.0.1/hook'],
  ['a name of this machine', 'http://localhost/hook'],
])('refuses a chat whose URL holds %s, when it is saved', async (_what, url) => {
  await using host = await openHost({ network: {} })
  const refused = { code: 'forbidden_address', field: 'to[0].url' }
  await expect(host.sender.alerts.update({ tenantId: 1, to: [slack(url)] })).rejects.toMatchObject(refused)
  await expect(host.sender.alerts.test({ tenantId: 1, to: [slack(url)] })).rejects.toMatchObject(refused)
})

it('tells the others at once when a chat does not respond, and tries that one alone again', async () => {
  const mails: AlertMail[] = []
  await using host = await startHost({
    retrySchedule: [0],
    timeoutMs: 1_000,
    alerts: { sendMail: (mail) => void mails.push(mail) },
  })
  await using consumer = await testConsumer()
  await using chat = await testConsumer()
  await using good = await testConsumer()
  consumer.answer(400)
  const held = Promise.withResolvers<number>()
  chat.answer(() => (chat.requests.length === 1 ? held.promise : 200))
  const to = [slack(chat.url), slack(good.url), { kind: 'email', address: 'ada@example.com' } as const]
  await host.sender.alerts.update({ tenantId: 1, on: ['exhausted'], to })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await good.received(1)
  await waitFor(() => mails.length === 1, 'the e-mail', 60_000)
  await waitFor(
    async () => (await host.run('select 1 from xe_webhook_alert where attempts = 1')).length === 1,
    'a retry',
  )
  held.resolve(200)
  // Its time has come.
  await host.run('update xe_webhook_alert set due_on = 0')
  await chat.received(2, 60_000)
  await waitFor(
    async () => (await host.run('select 1 from xe_webhook_alert where due_on is null')).length === 1,
    'its end',
  )
  const counts = [chat, good].map(({ requests }: TestConsumer) => requests.length)
  expect([...counts, mails.length]).toEqual([2, 1, 1])
})
