import { describe, expect, it } from 'vitest'
import {
  createEventEngine,
  type EventEngine,
  eventLogMigrations,
  foreignTransaction,
} from '../../src/index.ts'
import { createSseFeed } from '../../src/sse.ts'
import { onEachDatabase } from '../open-engine.ts'

const site = { tenantId: 1, siteId: 7 }
/** What is no object of names and values. */
const OTHERS = [null, 5, 'trx', [1], new Map(), true]

type Call = (engine: EventEngine, given: never) => unknown
/** What each call takes, how it is given, and what refuses it. */
const CALLS: Readonly<Record<string, readonly [valid: object, code: string, call: Call]>> = {
  createEventEngine: [{}, 'invalid_option', ({ db }, given) => createEventEngine(optionsOf(given, { db }))],
  'createEventEngine, postgres': [
    { pool: { connect() {} } },
    'invalid_option',
    ({ db }, postgres) => createEventEngine({ db, postgres }),
  ],
  'createEventEngine, retention': [
    {},
    'invalid_option',
    ({ db }, retention) => createEventEngine({ db, retention }),
  ],
  subscribe: [
    { name: 'a', mode: 'durable' },
    'invalid_option',
    (engine, given) => engine.subscribe({ entityChanged() {} }, given),
  ],
  'subscribe, retry': [
    {},
    'invalid_option',
    (engine, retry) => engine.subscribe({ entityChanged() {} }, { name: 'b', mode: 'durable', retry }),
  ],
  feed: [{ tenantId: 1 }, 'invalid_argument', (engine, given) => engine.feed(given)],
  addSyncEvent: [
    { data: 1 },
    'invalid_argument',
    ({ syncManager }, given) => syncManager.addSyncEvent(site, 'Page', 1, 'Update', given),
  ],
  captureTable: [
    { table: 'page', entityName: 'Page', entityId: 'page_id', ...site },
    'invalid_capture',
    (engine, given) => engine.captureTable(given),
  ],
  'captureTable, onMissingContext': [
    site,
    'invalid_capture',
    (engine, onMissingContext) =>
      engine.captureTable({ table: 'page', entityName: 'Page', entityId: 'page_id', onMissingContext }),
  ],
  releaseTable: [{}, 'invalid_capture', (engine, given) => engine.releaseTable('page', given)],
  eventLogMigrations: [{ dialect: 'sqlite' }, 'invalid_option', (_, given) => eventLogMigrations(given)],
  foreignTransaction: [
    { library: 'x', execute: async () => 0 },
    'invalid_option',
    (_, given) => foreignTransaction(given),
  ],
  createSseFeed: [{}, 'invalid_option', (engine, given) => createSseFeed(optionsOf(given, { engine }))],
  'createSseFeed, limits': [{}, 'invalid_option', (engine, limits) => createSseFeed({ engine, limits })],
  'an audience': [
    { tenantId: 1, siteId: 7 },
    'invalid_argument',
    (engine, given) => createSseFeed({ engine }).respond(new Request('http://host.example/'), given),
  ],
}

/** Options with what they must have, where they are an object at all. */
function optionsOf<TNeeded extends object>(given: object | null, needed: TNeeded): TNeeded {
  const isObject = given !== null && Object.getPrototypeOf(given) === Object.prototype
  return isObject ? { ...needed, ...given } : (given as TNeeded)
}

onEachDatabase((open, dialect) => {
  describe(`what is given to a call, on ${dialect},`, () => {
    it('is refused where a name is misspelt, where it is no object, and where a member is null', async () => {
      await using host = await open()
      const engine = host.engine as unknown as EventEngine
      const logged = await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
      for (const [name, [valid, code, call]] of Object.entries(CALLS)) {
        const given = async (value: unknown) => call(engine, value as never)
        await expect(given({ ...valid, misspelt: 1 }), name).rejects.toMatchObject({
          code,
          message: expect.stringMatching(/misspelt must be left out.*there are \w+/),
        })
        for (const other of OTHERS)
          await expect(given(other), `${name} of ${other}`).rejects.toMatchObject({ code })
      }
      for (const option of ['leaseMs', 'logger', 'clock', 'schema', 'retention']) {
        expect(() => createEventEngine({ db: host.db, [option]: null }), option).toThrow(/other than null/)
      }
      // Nothing was raised by what was refused.
      const events = host.engine.feed({ tenantId: 1, after: undefined, signal: AbortSignal.abort() })
      for await (const { event } of events) expect(event.id).toBe(logged.id)
    })

    it('is taken where every name is known', async () => {
      await using host = await open()
      for (const [name, [valid, , call]] of Object.entries(CALLS)) {
        if (name.includes('captureTable') || name.includes('releaseTable') || name.includes('postgres'))
          continue
        await expect(
          Promise.resolve(call(host.engine as unknown as EventEngine, valid as never)),
          name,
        ).resolves.not.toThrow()
      }
    })

    it('commits no event apart from the transaction that was meant', async () => {
      await using host = await open()
      const { engine } = host
      await expect(
        engine.transaction(async ({ trx }) => {
          const tx = { tx: trx } as never
          await engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update', tx)
        }),
      ).rejects.toMatchObject({ code: 'invalid_argument' })
      for (const trx of [null, false, 0, '', {}, host.db]) {
        await expect(
          engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update', { trx: trx as never }),
          String(trx),
        ).rejects.toMatchObject({ code: 'not_a_transaction' })
      }
      expect((await engine.syncManager.getSync(1, new Date(0))).syncEvents).toEqual([])
    })

    it('is refused where it is no function', async () => {
      await using host = await open()
      const { engine } = host
      const refused = { code: 'invalid_argument' }
      for (const work of [undefined, null, 'select 1', {}] as never[]) {
        await expect(engine.transaction(work)).rejects.toMatchObject(refused)
        await expect(engine.withContext(site, work)).rejects.toMatchObject(refused)
        expect(() => engine.syncManager.on('entityChanged', work)).toThrow(expect.objectContaining(refused))
      }
      expect(() => engine.syncManager.on('entitychanged' as never, () => {})).toThrow(
        expect.objectContaining(refused),
      )
    })

    it('is refused where an object lacks its methods', async () => {
      await using host = await open()
      for (const [name, value] of [
        ['clock', { now: () => 0 }],
        ['logger', 'pino'],
        ['logger', { info() {} }],
        ['services', () => ({})],
      ] as const) {
        expect(() => createEventEngine({ db: host.db, [name]: value as never }), name).toThrow(
          new RegExp(`options\\.${name} must be an object with the methods`),
        )
      }
    })
  })
})
