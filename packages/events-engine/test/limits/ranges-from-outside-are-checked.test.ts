import { waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { onEachDatabase, openEngine, site } from '../open-engine.ts'

const DATES: readonly unknown[] = [
  new Date(Number.NaN),
  new Date(8.64e15),
  new Date(-8.64e15),
  new Date('0000-12-31T23:59:59.999Z'),
  new Date('+010000-01-01T00:00:00.000Z'),
  '2026-01-01',
  0,
  null,
]

onEachDatabase((open, dialect) => {
  describe(`on ${dialect}`, () => {
    it('refuses dates that cannot be stored', async () => {
      await using host = await open()
      const { syncManager, subscriptions } = host.engine
      await host.engine.subscribe({ entityChanged() {} }, { name: 'audit', mode: 'durable' })
      await host.engine.start()
      for (const date of DATES as Date[]) {
        const refused = { code: 'invalid_argument' }
        await expect(syncManager.getSyncEvents(1, date)).rejects.toMatchObject(refused)
        await expect(syncManager.getSync(1, date)).rejects.toMatchObject(refused)
        await expect(subscriptions.rewind('audit', date)).rejects.toMatchObject({ code: 'invalid_position' })
      }
    })

    it('takes the first and the last date that there is', async () => {
      await using host = await open()
      const { syncManager, subscriptions } = host.engine
      await host.engine.subscribe({ entityChanged() {} }, { name: 'audit', mode: 'durable' })
      await host.engine.start()
      for (const text of ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
        expect(await syncManager.getSyncEvents(1, new Date(text))).toEqual([])
        expect(await syncManager.getSync(1, new Date(text))).toMatchObject({ syncEvents: [] })
        await subscriptions.rewind('audit', new Date(text))
      }
    })

    it('lists parked events in pages of a size that it bounds', async () => {
      await using host = await open()
      await host.engine.subscribe({ entityChanged() {} }, { name: 'audit', mode: 'durable' })
      await host.engine.start()
      const { parked } = host.engine.subscriptions
      for (const limit of [0, -1, 1.5, 1_001, 1e9, Number.NaN, Number.POSITIVE_INFINITY, '10', null])
        await expect(parked('audit', limit as number)).rejects.toMatchObject({ code: 'invalid_argument' })
      expect(await parked('audit', 1_000)).toEqual([])
    })

    it('lists parked events, the oldest first, as many as it is asked for', async () => {
      await using host = await open()
      const failing = {
        entityChanged() {
          throw new Error('cannot handle it')
        },
      }
      const retry = { maxAttempts: 1 }
      await host.engine.subscribe(failing, { name: 'other', mode: 'durable', retry })
      await host.engine.subscribe(failing, { name: 'audit', mode: 'durable', retry })
      await host.engine.start()
      const ids = Array.from({ length: 45 }, (_, id) => id)
      await host.engine.transaction(async ({ raise }) => {
        for (const id of ids) await raise(site, 'File', id, 'Update')
      })
      const listed = async (limit?: number) =>
        (await host.engine.subscriptions.parked('audit', limit)).map(({ event }) => event.entityId)
      await waitFor(async () => (await listed()).length === ids.length, 'the parked events')
      for (const limit of [1, 19, 20, 21, 40, 44, 45, 46, 1_000])
        expect(await listed(limit)).toEqual(ids.slice(0, limit))
    })
  })
})

it('bounds how long events are kept, and how long retries wait', async () => {
  await using host = await openEngine()
  const { db } = host
  const longest = 36_500 * 24 * 60 * 60 * 1_000
  for (const value of [longest + 1, Number.MAX_SAFE_INTEGER, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const name of ['keepMs', 'abandonedAfterMs']) {
      const create = () => createEventEngine({ db, retention: { [name]: value } })
      expect(create, `${name} ${value}`).toThrow(`options.retention.${name}`)
    }
    const retry = { maxDelayMs: value === -1 ? -1 : value }
    const subscribe = () =>
      host.engine.subscribe({ entityChanged() {} }, { name: 'audit', mode: 'durable', retry })
    await expect(subscribe(), String(value)).rejects.toThrow('options.retry.maxDelayMs')
  }
  createEventEngine({ db, retention: { keepMs: longest, abandonedAfterMs: longest } })
})
