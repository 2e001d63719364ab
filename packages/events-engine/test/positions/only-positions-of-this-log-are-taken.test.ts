import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  durableSnapshot,
  formatPosition,
  parsePosition,
  type SnapshotPosition,
} from '../../src/store/snapshot-position.ts'
import { openStream, sseServer } from '../feed/sse-server.ts'
import { type OpenEngine, onEachDatabase, site } from '../open-engine.ts'

const raise = (host: OpenEngine, id: number) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')

const nothing = { entityChanged() {} }

/** A host that has handled so many events, and where its subscription stands. */
async function openAt(open: () => Promise<OpenEngine>, count: number) {
  const host = await open()
  const seen: unknown[] = []
  await host.engine.subscribe(
    { entityChanged: ({ entityId }) => void seen.push(entityId) },
    { name: 'files', mode: 'durable', from: 'start' },
  )
  await host.engine.start()
  for (let id = 1; id <= count; id++) await raise(host, id)
  await waitFor(() => seen.length === count, 'the events')
  await host.engine.subscriptions.pause('files')
  const { position } = await waitFor(async () => {
    const [stored] = (await host.engine.stats()).subscriptions
    return stored?.lagEvents === 0 && stored
  }, 'the position to be saved')
  return { host, seen, position, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
}

/** Every way in for a position, and how it says no. */
async function expectRefused(host: OpenEngine, text: unknown, seenBefore: number): Promise<void> {
  const { engine } = host
  const position = text as string
  const why = `${JSON.stringify(text)?.slice(0, 80)}`
  const invalid = { code: 'invalid_position' }
  await expect(engine.subscriptions.rewind('files', position), why).rejects.toMatchObject(invalid)
  const name = `new-${seenBefore}`
  const subscribing = engine.subscribe(nothing, { name, mode: 'durable', from: { position } })
  await expect(subscribing, why).rejects.toMatchObject({
    code: expect.stringMatching(/^invalid_(position|option)$/),
  })
  await engine.unsubscribe(name)
  const read = async () => {
    for await (const _ of engine.feed({ tenantId: 1, after: position })) return
  }
  await expect(read(), why).rejects.toMatchObject(invalid)
  expect((await engine.subscriptions.list()).map((one) => one.name)).toEqual(['files'])
}

const xid = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n })
const snapshot = fc
  .tuple(xid, fc.uniqueArray(fc.bigInt({ min: 1n, max: 1_000n }), { maxLength: 8 }))
  .map(([first, gaps]) => {
    const start = first > 2n ** 62n ? first / 2n : first
    const running = gaps.sort((a, b) => (a < b ? -1 : 1)).map((gap) => start + gap)
    const all = running.length > 0 ? [start, ...running] : []
    return `${start}:${running.length > 0 ? start + 1_001n : start}:${all.join(',')}`
  })

describe('the text of a position on PostgreSQL', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        snapshot,
        fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        fc.boolean(),
        (from, sequence, isWindow) => {
          const position: SnapshotPosition = { from, to: isWindow ? from : undefined, sequence }
          const text = formatPosition(position)
          expect(parsePosition(text)).toEqual(position)
          expect(formatPosition(parsePosition(text))).toBe(text)
        },
      ),
    )
  })

  it('is read of whatever is cut to what a crash cannot undo', () => {
    fc.assert(
      fc.property(snapshot, fc.bigInt({ min: 0n, max: 2n ** 62n }), (later, committed) => {
        const from = durableSnapshot(later, committed)
        const position = { from, to: later, sequence: 1n }
        expect(parsePosition(formatPosition(position))).toEqual(position)
      }),
    )
  })

  it.each([
    'p/5:3://0',
    'p/0:3://0',
    'p/05:7://0',
    'p/5:7:6,6//0',
    'p/5:7:6,5//0',
    'p/5:7:4//0',
    'p/5:7:7//0',
    'p/5:7:,//0',
    'p/5:7:5,//0',
    'p/5:7//0',
    'p/5:7://00',
    'p/5:7://-1',
    'p/5:7://9223372036854775808',
    'p/9223372036854775808:9223372036854775808://0',
    'p/99999999999999999999:99999999999999999999://0',
    'p/5:7:/3:4:/0',
    'p/5:7:/5:9:6/0',
    'p/5:7:/5:9:/',
    'p/5:7://0/0',
    'p/5:7:// 0',
    'p/5:7://0\n',
    ' p/5:7://0',
    'P/5:7://0',
    'p/\uff15:7://0',
    'p/\u0665:7://0',
    'p/5:7:\0//0',
    'p/0x5:7://0',
    'p/5e0:7://0',
    `p/5:7:${'6,'.repeat(500_000)}6//0`,
    '',
    '/',
    'p///',
    's.1',
  ])('is refused where it cannot be one: %.40j', (text) => {
    expect(() => parsePosition(text)).toThrow(expect.objectContaining({ code: 'invalid_position' }))
  })
})

onEachDatabase((open, dialect) => {
  it('takes back each position that it has given out, wherever it was told', async () => {
    await using at = await openAt(open, 5)
    const { host, position } = at
    const { engine } = host
    await using server = await sseServer(host)
    const given = new Set([position, ...(await engine.stats()).subscriptions.map((one) => one.position)])
    const stop = new AbortController()
    await using stream = await openStream(`${server.url}?since=00010101000000001`)
    await stream.synced()
    for (const { id } of stream.frames()) if (id !== undefined) given.add(id)
    const reading = (async () => {
      for await (const item of engine.feed({ tenantId: 1, after: position, signal: stop.signal })) {
        given.add(item.position)
        if (item.event.entityId === 8) stop.abort()
      }
    })()
    for (const id of [6, 7, 8]) await raise(host, id)
    await reading
    expect(given.size).toBeGreaterThanOrEqual(4)
    for (const [index, one] of [...given].entries()) {
      await engine.subscriptions.rewind('files', one)
      expect((await engine.subscriptions.list())[0]?.position).toBe(one)
      const name = `from-${index}`
      await engine.subscribe(nothing, { name, mode: 'durable', from: { position: one } })
      await using resumed = await openStream(server.url, { 'last-event-id': one })
      await resumed.synced()
      expect(resumed.text()).not.toContain('Reload')
    }
  })

  it('refuses a position from beyond its end, of another log, and of another kind', async () => {
    await using at = await openAt(open, 2)
    await using other = await openAt(open, 2)
    await using further = await openAt(open, 9)
    const { host, position } = at
    const log = position.slice(position.indexOf('@'))
    const inner =
      dialect === 'sqlite'
        ? ['s.3', 's.99', 's.9007199254740991', 's.9007199254740993', 's.01', 's.-1', 's.1.0', 'p/3:3://0']
        : [
            'p/5:99999999999://0',
            'p/1:1:/5:99999999999:/1',
            'p/1:1:/5:5:/9999999',
            'p/1:1://9999999',
            'p/5:3://0',
            'p/1:9223372036854775807://0',
            's.1',
          ]
    const texts = [
      ...inner.map((text) => `${text}${log}`),
      other.position,
      further.position,
      position.slice(0, position.indexOf('@')),
      `${position}0`,
      `${position}.1`,
      `${position} `,
      position.toUpperCase(),
      log,
      '',
      '\0',
      'x'.repeat(1_000_000),
      `${'9'.repeat(1_000_000)}${log}`,
      7,
      {},
      Symbol('p'),
    ]
    for (const [index, text] of texts.entries()) await expectRefused(host, text, index)
    expect((await host.engine.subscriptions.list())[0]?.position).toBe(position)
    await raise(host, 3)
    await host.engine.subscriptions.resume('files')
    await waitFor(() => at.seen.length === 3, 'what is raised afterwards')
    expect(at.seen).toEqual([1, 2, 3])
  })

  it('tells a client to reload whose Last-Event-ID this log has not given out, and goes on from there', async () => {
    await using at = await openAt(open, 2)
    await using other = await openAt(open, 2)
    const { host, position } = at
    const log = position.slice(position.indexOf('@'))
    await using server = await sseServer(host)
    const ids = [
      'p/5:3://0',
      `p/5:3://0${log}`,
      `s.99${log}`,
      `p/5:999999999://0${log}`,
      other.position,
      'x',
      '\u00ff',
    ]
    for (const [index, id] of ids.entries()) {
      await using stream = await openStream(server.url, { 'last-event-id': id })
      await stream.synced()
      expect(stream.frames()[0]?.data ?? stream.text()).toBeDefined()
      expect(stream.text(), id).toContain('"action":"Reload"')
      await raise(host, 100 + index)
      await waitFor(() => stream.entityIds().includes(100 + index), 'the stream to go on')
    }
  })

  it('never passes a forged position to the database, nor fails in another way', async () => {
    await using at = await openAt(open, 3)
    const { host, position } = at
    const change = fc.record({
      at: fc.nat({ max: position.length }),
      remove: fc.nat({ max: 4 }),
      insert: fc.oneof(
        fc.constantFrom(
          '',
          '0',
          '9',
          '-',
          '/',
          ':',
          ',',
          '.',
          '@',
          '\0',
          ' ',
          '\ud800',
          '\u0665',
          '99999999999999999999',
        ),
        fc.string({ maxLength: 3 }),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let text = position
        for (const { at: from, remove, insert } of changes) {
          text = text.slice(0, from) + insert + text.slice(from + remove)
        }
        const error = await host.engine.subscriptions.rewind('files', text).catch((thrown: unknown) => thrown)
        if (error === undefined) {
          // Another place of this very log: it is stored as it was given.
          expect((await host.engine.subscriptions.list())[0]?.position).toBe(text)
          await host.engine.stats()
        } else expect(error).toMatchObject({ code: 'invalid_position' })
      }),
      { numRuns: 300 },
    )
  })

  it('begins a stored subscription where it stands, whatever position it was to begin at once', async () => {
    await using at = await openAt(open, 2)
    const { host, position } = at
    const options = { name: 'late', mode: 'durable', from: { position } } as const
    await host.engine.subscribe(nothing, options)
    await host.engine.unsubscribe('late')
    // As after a restore.
    const other = `${position.slice(0, position.indexOf('@'))}@00000000`
    await host.engine.subscribe(nothing, { ...options, from: { position: other } })
    await waitFor(
      async () => (await host.engine.subscriptions.list()).find(({ name }) => name === 'late')?.leasedBy,
      'the subscription to run',
    )
  })

  it('goes back to any time of the years 1 to 9999', async () => {
    await using at = await openAt(open, 2)
    const { host, seen } = at
    for (const time of [new Date(-8.64e15), new Date(8.64e15), new Date(Number.NaN)]) {
      const rewinding = host.engine.subscriptions.rewind('files', time)
      await expect(rewinding).rejects.toMatchObject({ code: 'invalid_position' })
    }
    for (const time of ['9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z']) {
      await host.engine.subscriptions.rewind('files', new Date(time))
    }
    await host.engine.subscriptions.resume('files')
    await waitFor(() => seen.length === 4, 'everything again')
  })
})
