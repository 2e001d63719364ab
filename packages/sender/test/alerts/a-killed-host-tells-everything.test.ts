import { startProcess, testConsumer, waitFor } from '@x/testkit'
import { describe, expect } from 'vitest'
import { it } from '../each-database.ts'
import { encryptionKey, openHost } from '../open-host.ts'
import type { AlertingHostOptions, AlertKillPoint } from '../processes/alerting-host.ts'

/** What is sent at least once may be sent twice where a host is killed between sending and recording that. */
const KILL_POINTS: readonly (readonly [AlertKillPoint, number])[] = [
  ['noted', 1],
  ['taking', 1],
  ['taken', 1],
  ['ending', 2],
]

// Most of it is waiting for the next look for alerts.
describe.concurrent('at least once', () => {
  it.each(KILL_POINTS)('loses no alert of a host that is killed when one is %s', async (killAt, most) => {
    await using host = await openHost()
    await using consumer = await testConsumer()
    await using chat = await testConsumer()
    consumer.answer(400)
    await host.sender.alerts.update({
      tenantId: 1,
      on: ['exhausted'],
      to: [{ kind: 'slack', url: chat.url }],
    })
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    const start = (options: Pick<AlertingHostOptions, 'raises' | 'killAt'>) => {
      const key = encryptionKey.toString('hex')
      const all: AlertingHostOptions = { file: host.file, url: host.url, encryptionKey: key, ...options }
      return startProcess(new URL('../processes/alerting-host.ts', import.meta.url), JSON.stringify(all))
    }
    const waiting = async () =>
      (await host.run('select 1 from xe_webhook_alert where due_on is not null')).length

    await using killed = start({ raises: true, killAt })
    await waitFor(() => killed.ended, `the host to kill itself; ${killed.errors}`)
    expect(killed.ended).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await waiting()).toBe(1)

    await using next = start({ raises: false, killAt: undefined })
    await waitFor(async () => (await waiting()) === 0, `the alert to be sent; ${next.errors}`)
    expect(chat.requests.length).toBeGreaterThanOrEqual(1)
    expect(chat.requests.length, next.errors).toBeLessThanOrEqual(most)
    expect(new Set(chat.requests.map(({ rawBody }) => String(rawBody))).size).toBe(1)
    expect(consumer.requests).toHaveLength(1)
  })
})
