import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { expect, it } from 'vitest'
import { createReceiver } from '../../src/index.ts'
import { createInboxTable, kyselyInbox } from '../../src/kysely.ts'
import { fakeClock } from '../../src/testing.ts'
import { NOW, SENDERS } from './senders.ts'

it.each(Object.entries(SENDERS))('works off a webhook of %s once, with its mark', async (_name, sender) => {
  const { scheme, events, headers, body, now = NOW, url = '/hook' } = sender
  const db = new Kysely<{ effect: { event: string } }>({
    dialect: new SqliteDialect({ database: new Database(':memory:') }),
  })
  await createInboxTable(db)
  await db.schema.createTable('effect').addColumn('event', 'text').execute()
  let isBroken = true
  const receiver = createReceiver({ scheme, inbox: kyselyInbox(db), clock: fakeClock(now) })
  receiver.on('*', async (event, { trx }) => {
    await trx.insertInto('effect').values({ event: event.id }).execute()
    if (isBroken) throw new Error('after the work')
  })
  receiver.onError(() => {})
  const send = async () =>
    (
      await receiver.handle(
        new Request(new URL(url, 'https://consumer.test'), { method: 'POST', headers, body }),
      )
    ).status
  const effects = async () =>
    (await db.selectFrom('effect').select('event').execute()).map(({ event }) => event)

  expect(await send()).toBe(500)
  expect(await effects()).toEqual([])
  isBroken = false
  expect((await Promise.all([send(), send()])).every((status) => status < 300)).toBe(true)
  expect(await effects()).toHaveLength(events.length)
  await db.destroy()
})
