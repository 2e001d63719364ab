import Database from 'better-sqlite3'
import fc from 'fast-check'
import { Kysely, SqliteDialect } from 'kysely'
import { expect, it } from 'vitest'
import { createReceiver, memorySequenceStore, type SequenceNotice } from '../../src/index.ts'
import { createInboxTable, kyselyInbox } from '../../src/kysely.ts'
import { secret } from '../messages.ts'
import { inputOf, KEY, MESSAGES_URL, numberedSender, type SentRequest } from './numbered-sender.ts'

/** What somebody between sender and receiver does with a message. */
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'deliver' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'drop' as const }) },
  fc.record({ kind: fc.constant('repeat' as const), times: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('delay' as const), by: fc.integer({ min: 1, max: 6 }) }),
  fc.record({
    kind: fc.constant('alter' as const),
    header: fc.constantFrom('body', 'webhook-sequence', 'webhook-chain', 'webhook-id', 'webhook-endpoint'),
  }),
  fc.constant({ kind: 'strip' as const }),
)
type Fate = typeof fate extends fc.Arbitrary<infer TFate> ? TFate : never

interface Attempt {
  readonly index: number
  readonly request: SentRequest
}

function altered({ headers, body, ...rest }: SentRequest, header: string): SentRequest {
  if (header === 'body') return { ...rest, headers, body: body.replace('12', '13') }
  const before = headers[header] ?? ''
  const value = header === 'webhook-sequence' ? String(Number(before) + 1) : `A${before.slice(1)}`
  return {
    ...rest,
    body,
    headers: { ...headers, [header]: value === before ? `B${before.slice(1)}` : value },
  }
}

function stripped({ headers, ...rest }: SentRequest): SentRequest {
  const kept = Object.entries(headers).filter(([name]) => !/endpoint|sequence|chain/.test(name))
  return { ...rest, headers: Object.fromEntries(kept) }
}

/** The requests that arrive, in their order. */
function arrivals(requests: readonly SentRequest[], fates: readonly Fate[]): readonly Attempt[] {
  const slots: Attempt[][] = Array.from({ length: requests.length + 8 }, () => [])
  requests.forEach((request, index) => {
    const its = fates[index] as Fate
    const at = (slot: number, one = request) => slots[slot]?.push({ index, request: one })
    if (its.kind === 'deliver') at(index)
    if (its.kind === 'repeat') for (let time = 0; time <= its.times; time++) at(index + time)
    if (its.kind === 'delay') at(index + its.by)
    if (its.kind === 'alter') at(index, altered(request, its.header))
    if (its.kind === 'strip') at(index, stripped(request))
  })
  return slots.flat()
}

async function openReceiver(place: 'memory' | 'inbox') {
  const handled: string[] = []
  const notices: SequenceNotice[] = []
  if (place === 'memory') {
    const receiver = createReceiver({ secrets: secret, sequence: { store: memorySequenceStore() } })
    receiver.on('*', ({ id }) => void handled.push(id))
    receiver.onGap((notice) => void notices.push(notice))
    return { receiver, handled, notices, close: async () => {} }
  }
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  await createInboxTable(db)
  const receiver = createReceiver({ secrets: secret, inbox: kyselyInbox(db), sequence: {} })
  receiver.on('*', ({ id }) => void handled.push(id))
  receiver.onGap((notice) => void notices.push(notice))
  return { receiver, handled, notices, close: () => db.destroy() }
}

it.each(['memory', 'inbox'] as const)(
  'whatever is dropped, repeated, reordered or altered is told by number, and healed (%s)',
  async (place) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 25 }), async (fates) => {
        const sender = numberedSender()
        const requests = fates.map(() => inputOf(sender.send()))
        const { receiver, handled, notices, close } = await openReceiver(place)
        try {
          const numbersThere = new Set<number>()
          for (const { index, request } of arrivals(requests, fates)) {
            const { kind } = fates[index] as Fate
            const before = notices.length
            const { status } = await receiver.receive(request)
            const told = notices.slice(before).map((notice) => notice.kind)
            const sequence = index + 1
            if (kind === 'alter') {
              expect(status).toBe(401)
              continue
            }
            if (kind === 'strip') {
              expect([status, told]).toEqual([204, ['unnumbered']])
              continue
            }
            if (numbersThere.has(sequence)) {
              expect([status, told]).toEqual([200, ['repeat']])
              continue
            }
            expect(status).toBe(204)
            const isLate = sequence < Math.max(0, ...numbersThere)
            expect(told.includes('reordered')).toBe(isLate)
            numbersThere.add(sequence)
          }
          const highest = Math.max(0, ...numbersThere)
          const toldMissing = new Set(
            notices.flatMap((notice) =>
              notice.kind === 'gap'
                ? Array.from({ length: notice.to - notice.from + 1 }, (_, at) => notice.from + at)
                : [],
            ),
          )
          const missing = requests.map((_, index) => index + 1).filter((one) => !numbersThere.has(one))
          for (const one of missing) if (one < highest) expect(toldMissing.has(one)).toBe(true)

          await receiver.catchUp({ url: MESSAGES_URL, key: KEY, fetch: sender.fetch })
          const ids = sender.messages.map(({ id }) => id)
          // A message whose number was taken away is handled again only where nothing remembers its id.
          const distinct = place === 'inbox' ? [...handled] : [...new Set(handled)]
          expect(distinct.sort()).toEqual(ids.sort())
          expect(notices.filter(({ kind }) => kind === 'fork' || kind === 'lost')).toEqual([])
          expect(receiver.sequences()).toMatchObject([
            { sequence: fates.length, chain: sender.chain, missing: [] },
          ])
        } finally {
          await close()
        }
      }),
      { numRuns: place === 'memory' ? 150 : 60 },
    )
  },
)

it.each(['memory', 'inbox'] as const)(
  "tells what somebody has deleted of the sender's records, wherever they did (%s)",
  async (place) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 2, maxLength: 20 }),
        fc.nat(18),
        async (arrives, deletedBefore) => {
          const sender = numberedSender()
          const requests = arrives.map(() => inputOf(sender.send()))
          const { receiver, handled, notices, close } = await openReceiver(place)
          try {
            for (const [index, request] of requests.entries()) {
              if (arrives[index]) await receiver.receive(request)
            }
            sender.forget(Math.min(deletedBefore, arrives.length + 1))
            await receiver.catchUp({ url: MESSAGES_URL, key: KEY, fetch: sender.fetch })
            const lost = notices.flatMap((notice) =>
              notice.kind === 'lost'
                ? Array.from({ length: notice.to - notice.from + 1 }, (_, at) => notice.from + at)
                : [],
            )
            const ids = new Set(handled)
            const neither = sender.messages.filter(
              ({ id, sequence }) => !ids.has(id) && !lost.includes(sequence),
            )
            expect(neither).toEqual([])
            expect(handled).toHaveLength(ids.size)
            const chain = lost.includes(arrives.length) ? '' : sender.chain
            expect(receiver.sequences()).toMatchObject([{ sequence: arrives.length, chain }])
          } finally {
            await close()
          }
        },
      ),
      { numRuns: place === 'memory' ? 100 : 40 },
    )
  },
)
