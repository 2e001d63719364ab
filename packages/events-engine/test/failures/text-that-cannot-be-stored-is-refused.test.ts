import { CompiledQuery } from 'kysely'
import { describe, expect, it } from 'vitest'
import { EventEngineError } from '../../src/index.ts'
import { type OpenEngine, onEachDatabase, site } from '../open-engine.ts'

const unstorable = ['\0', 'a\0b', '\ud800', 'x\udc00y', '\ud83d']
const countEvents = async (host: OpenEngine) =>
  (await host.db.executeQuery(CompiledQuery.raw('select * from xe_sync_event'))).rows.length

onEachDatabase((open) => {
  describe('raising', () => {
    const raised: readonly (readonly [string, (text: string) => unknown[], string])[] = [
      ['an entity name', (text) => [site, `File${text}`, 1, 'Download'], 'invalid_argument'],
      ['an entity id', (text) => [site, 'File', text, 'Download'], 'invalid_argument'],
      ['an action', (text) => [site, 'File', 1, `Download${text}`], 'invalid_argument'],
      ['data', (text) => [site, 'File', 1, 'Download', { data: text }], 'invalid_data'],
      ['a property', (text) => [site, 'File', 1, 'Download', { data: { list: [{ text }] } }], 'invalid_data'],
      [
        'a name of a property',
        (text) => [site, 'File', 1, 'Download', { data: { [text]: 1 } }],
        'invalid_data',
      ],
      [
        'what toJSON gives',
        (text) => [site, 'File', 1, 'Download', { data: { toJSON: () => `\\${text}` } }],
        'invalid_data',
      ],
    ]

    it.each(raised)(
      'refuses %s with a NUL or half of a surrogate pair, alone and in a transaction',
      async (_, argsOf, code) => {
        await using host = await open()
        const { syncManager } = host.engine
        const addSyncEvent = syncManager.addSyncEvent.bind(syncManager) as (
          ...args: unknown[]
        ) => Promise<unknown>
        for (const text of unstorable) {
          const args = argsOf(text)
          await expect(addSyncEvent(...args)).rejects.toMatchObject({ code })
          const inTransaction = host.engine.transaction(({ trx }) =>
            addSyncEvent(...args.slice(0, 4), { ...(args[4] as object | undefined), trx }),
          )
          await expect(inTransaction).rejects.toBeInstanceOf(EventEngineError)
        }
        expect(await countEvents(host)).toBe(0)
      },
    )

    it('takes text that looks like the escape of one, and every other character', async () => {
      await using host = await open()
      const data = [
        '\\u0000',
        '\\\\ud800',
        'C:\\users\\udine',
        '\u0001\u001f\u007f\u2028',
        '\u{1f600}',
        '\uffff\ufffd',
      ]
      const event = await host.engine.syncManager.addSyncEvent(site, 'File', data.join(''), 'Download', {
        data: { data, [data.join('')]: 1 },
      })
      const { entityId, data: read } = (await firstOf(host)) as typeof event
      expect({ entityId, data: read }).toEqual({ entityId: event.entityId, data: event.data })
    })
  })

  it('finds nothing under a name or an id that cannot be stored', async () => {
    await using host = await open()
    const { subscriptions } = host.engine
    await host.engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
    await host.engine.start()
    for (const text of [...unstorable, undefined, null, 7, {}] as string[]) {
      for (const attempt of [
        () => subscriptions.parked(text),
        () => subscriptions.discard(text),
        () => subscriptions.pause(text),
        () => subscriptions.resume(text),
        () => subscriptions.skip(text),
        () => subscriptions.rewind(text, 'start'),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ code: 'unknown_subscription' })
      }
      if (text !== undefined) {
        expect(await subscriptions.discard('files', text)).toBe(0)
        const resuming = subscriptions.resume('files', text)
        await expect(resuming).rejects.toMatchObject({ code: 'event_not_parked' })
      }
      const subscribing = host.engine.subscribe({ entityChanged() {} }, { name: text, mode: 'durable' })
      await expect(subscribing).rejects.toMatchObject({ code: 'invalid_option' })
      const capturing = host.engine.captureTable({
        table: text,
        entityName: 'Page',
        entityId: 'pageId',
        tenantId: 1,
      })
      await expect(capturing).rejects.toMatchObject({ code: 'invalid_capture' })
      await expect(host.engine.releaseTable(text)).rejects.toMatchObject({ code: 'invalid_capture' })
    }
    for (const limit of [0, -1, 1.5, Number.NaN, 1e9]) {
      await expect(subscriptions.parked('files', limit)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })

  it('says what was wrong also of values that refuse to be shown', async () => {
    await using host = await open()
    const { syncManager } = host.engine
    const addSyncEvent = syncManager.addSyncEvent.bind(syncManager) as (
      ...args: unknown[]
    ) => Promise<unknown>
    const evil = {
      toString: () => {
        throw new Error('no')
      },
    }
    for (const value of [
      Object.create(null),
      Symbol('s'),
      evil,
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no')
          },
        },
      ),
    ]) {
      await expect(addSyncEvent(site, 'File', value, 'Download')).rejects.toMatchObject({
        code: 'invalid_argument',
      })
      await expect(addSyncEvent({ tenantId: value, siteId: 1 }, 'File', 1, 'Download')).rejects.toMatchObject(
        { code: 'invalid_argument' },
      )
    }
    const data = {
      toJSON() {
        throw evil
      },
    }
    await expect(addSyncEvent(site, 'File', 1, 'Download', { data })).rejects.toMatchObject({
      code: 'invalid_data',
    })
  })
})

async function firstOf(host: OpenEngine): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  await host.engine.subscribe({ entityChanged: resolve }, { name: 'first', mode: 'durable', from: 'start' })
  await host.engine.start()
  return promise
}
