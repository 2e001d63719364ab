import { describe, expect, it } from 'vitest'
import { createReceiver } from '../../src/index.ts'
import { request, secret } from '../messages.ts'
import { consumerDatabase } from './consumer-database.ts'
import { type HostKind, hosts } from './hosts/hosts.ts'
import { inboxContract } from './inbox-contract.ts'

// Kysely has a file of its own, which is run with the oldest Kysely, too.
const others = hosts.filter(({ name }) => !name.startsWith('Kysely'))

describe.each(others)('an inbox of $name', (kind) => inboxContract(kind))

describe('createReceiver', () => {
  const [kind] = hosts as [HostKind]

  it('refuses an inbox beside a replay store, and what is no inbox', async () => {
    await using database = await consumerDatabase(kind)
    const inbox = database.connect().inbox()
    const replayStore = { begin: () => 'new' as const, complete() {}, release() {} }
    expect(() => createReceiver({ secrets: secret, inbox, replayStore })).toThrow(/leave out replayStore/)
    expect(() => createReceiver({ secrets: secret, inbox: {} as never })).toThrow(/options\.inbox must be/)
  })

  it('reports what goes wrong with old marks, and has handled the message all the same', async () => {
    const receiver = createReceiver({
      secrets: secret,
      inbox: {
        async receive(_id, work: (trx: string) => unknown) {
          await work('a transaction')
          return 'handled'
        },
        maintain: () => Promise.reject(new Error('disk full')),
        purge: async () => 0,
      },
    })
    const seen: string[] = []
    receiver.on('*', (_event, { trx }) => seen.push(trx))
    const errors: unknown[] = []
    receiver.onError((error, { status }) => errors.push([String(error), status]))
    expect((await receiver.handle(request())).status).toBe(204)
    expect([seen, errors]).toEqual([['a transaction'], [['Error: disk full', 204]]])
  })

  it.each([
    [{ scope: '' }, /options\.scope must be/],
    [{ retentionDays: 3 }, /options\.retentionDays must be a number of days from 4/],
    [{ retentionDays: Number.NaN }, /options\.retentionDays/],
    [{ table: 'x"; drop table effect' }, /table must be a name/],
    [{ isolationLevel: 'chaos' as never }, /options\.isolationLevel must be/],
  ])('refuses %j', async (options, message) => {
    await using database = await consumerDatabase(kind)
    expect(() => database.connect().inbox(options)).toThrow(message)
  })
})
