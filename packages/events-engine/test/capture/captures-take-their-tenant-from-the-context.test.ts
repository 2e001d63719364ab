import { expect, it } from 'vitest'
import { fromPg } from '../../src/adapters/pg.ts'
import { type OpenEngine, onEachDatabase } from '../open-engine.ts'
import { briefly, loggedEvents, run } from './captured-events.ts'

const pages = { table: 'page', entityName: 'Page', entityId: 'pageId' } as const
const a = { tenantId: 1, siteId: 7 }
const b = { tenantId: 2, siteId: 8 }

const eventsOf = async (host: OpenEngine) => (await loggedEvents(host)).map(briefly)
const insert = (host: OpenEngine, pageId: number) =>
  host.db.insertInto('page').values({ pageId, name: 'x' }).execute()

onEachDatabase((open, dialect) => {
  it('gives the events of engine.transaction the tenant and site of the context around it', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    const result = await host.engine.withContext(a, () =>
      host.engine.transaction(async ({ trx }) => {
        await trx.insertInto('page').values({ pageId: 1, name: 'x' }).execute()
        return 'done'
      }),
    )
    expect(result).toBe('done')
    expect(await eventsOf(host)).toEqual(['Create 1 1:7'])
  })

  it('gives them to a transaction of the host that was given the context', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    const insertIn = (pageId: number) =>
      host.db.transaction().execute((trx) =>
        host.engine.applyContext(trx, async () => {
          await trx.insertInto('page').values({ pageId, name: 'x' }).execute()
        }),
      )
    await host.engine.withContext(a, () => insertIn(1))
    expect(await eventsOf(host)).toEqual(['Create 1 1:7'])
    await expect(insertIn(2)).rejects.toThrow('outside of a context')
  })

  it('refuses a change without a context, and says what to do', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    const message =
      'captureTable: a row of page changes outside of a context, so that the tenant or site of its event is not known; use engine.transaction inside engine.withContext'
    await expect(insert(host, 1)).rejects.toThrow(message)
    // A statement of its own is in no transaction that could hold the context.
    await expect(host.engine.withContext(a, () => insert(host, 1))).rejects.toThrow(message)
    await expect(
      host.engine.transaction(({ trx }) => trx.insertInto('page').values({ pageId: 1, name: 'x' }).execute()),
    ).rejects.toThrow(message)
    expect(await run(host, 'select * from page')).toEqual([])
    expect(await eventsOf(host)).toEqual([])
  })

  it('takes what was given for a missing context instead, where it was given', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, onMissingContext: { tenantId: -1, siteId: -1 } })
    await insert(host, 1)
    await host.engine.withContext(a, () =>
      host.engine.transaction(({ trx }) => trx.insertInto('page').values({ pageId: 2, name: 'x' }).execute()),
    )
    await insert(host, 3)
    expect(await eventsOf(host)).toEqual(['Create 1 -1:-1', 'Create 2 1:7', 'Create 3 -1:-1'])
  })

  it('never lets one context into the transaction of another, nor out of its own', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    const transfer = (site: typeof a, first: number) =>
      host.engine.withContext(site, () =>
        host.engine.transaction(async ({ trx }) => {
          for (let pageId = first; pageId < first + 20; pageId++) {
            await trx.insertInto('page').values({ pageId, name: 'x' }).execute()
            await new Promise(setImmediate)
          }
        }),
      )
    const tries = [transfer(a, 100), transfer(b, 200), insert(host, 300), transfer(a, 400), insert(host, 500)]
    const results = await Promise.allSettled(tries)
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ])
    const events = await loggedEvents(host)
    expect(events).toHaveLength(60)
    for (const { entityId, tenantId } of events) {
      expect(tenantId).toBe(Number(entityId) >= 200 && Number(entityId) < 300 ? 2 : 1)
    }
  })

  it('lets an inner context stand in for the outer one until it ends, or fails', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    await host.engine.withContext(a, () =>
      host.engine.transaction(async ({ trx }) => {
        const add = (pageId: number) => trx.insertInto('page').values({ pageId, name: 'x' }).execute()
        await add(1)
        await host.engine.withContext(b, async () => {
          await add(2)
          await host.engine.withContext({ tenantId: 3, siteId: 9 }, () => add(3))
          await add(4)
        })
        await add(5)
        await expect(
          host.engine.withContext(b, async () => {
            await add(6)
            throw new Error('changed my mind')
          }),
        ).rejects.toThrow('changed my mind')
        await add(7)
        // Side by side in one transaction, they take turns.
        await Promise.all([
          host.engine.withContext(b, () => add(8)),
          host.engine.withContext({ tenantId: 3, siteId: 9 }, () => add(9)),
        ])
        await add(10)
      }),
    )
    await host.engine.transaction(async ({ trx }) => {
      await host.engine.withContext(b, () =>
        trx.insertInto('page').values({ pageId: 11, name: 'x' }).execute(),
      )
    })
    expect((await eventsOf(host)).map((event) => event.slice('Create '.length))).toEqual([
      '1 1:7',
      '2 2:8',
      '3 3:9',
      '4 2:8',
      '5 1:7',
      '6 2:8',
      '7 1:7',
      '8 2:8',
      '9 3:9',
      '10 1:7',
      '11 2:8',
    ])
  })

  it('forgets the context of a transaction that rolls back, and of one to a savepoint', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    const failing = host.engine.withContext(a, () =>
      host.engine.transaction(async ({ trx }) => {
        await trx.insertInto('page').values({ pageId: 1, name: 'x' }).execute()
        throw new Error('changed my mind')
      }),
    )
    await expect(failing).rejects.toThrow('changed my mind')
    await expect(insert(host, 2)).rejects.toThrow('outside of a context')

    const trx = await host.db.startTransaction().execute()
    const nested = await trx.savepoint('one').execute()
    await host.engine.withContext(a, () => host.engine.applyContext(nested, () => {}))
    await nested.rollbackToSavepoint('one').execute()
    await expect(trx.insertInto('page').values({ pageId: 3, name: 'x' }).execute()).rejects.toThrow(
      'outside of a context',
    )
    await trx.rollback().execute()
    expect(await eventsOf(host)).toEqual([])
  })

  it('does not touch a transaction that has ended, whatever was begun inside of it', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    let later: Promise<unknown> | undefined
    let goOn = () => {}
    const ended = new Promise<void>((resolve) => {
      goOn = resolve
    })
    await host.engine.withContext(a, () =>
      host.engine.transaction(async ({ trx }) => {
        await trx.insertInto('page').values({ pageId: 1, name: 'x' }).execute()
        later = ended.then(() =>
          host.engine.withContext(b, () =>
            host.engine.transaction((inner) =>
              inner.trx.insertInto('page').values({ pageId: 2, name: 'x' }).execute(),
            ),
          ),
        )
      }),
    )
    goOn()
    await later
    expect(await eventsOf(host)).toEqual(['Create 1 1:7', 'Create 2 2:8'])
  })

  it('takes the site from the context only together with the tenant, unless it is told to', async () => {
    await using host = await open()
    const change = (pageId: number) =>
      host.engine.withContext(a, () =>
        host.engine.transaction(({ trx }) => trx.insertInto('page').values({ pageId, name: 'x' }).execute()),
      )
    await host.engine.captureTable({ ...pages, tenantId: 5 })
    await change(1)
    await host.engine.captureTable({ ...pages, tenantId: 5, siteId: 'context' })
    await change(2)
    await host.engine.captureTable({ ...pages, siteId: -1 })
    await change(3)
    expect(await eventsOf(host)).toEqual(['Create 1 5:-1', 'Create 2 5:7', 'Create 3 1:-1'])
  })

  it.each([[undefined], [{ tenantId: 1 }], [{ tenantId: 1.5, siteId: 1 }], [{ tenantId: '1', siteId: 1 }]])(
    'refuses the context %j',
    async (site) => {
      await using host = await open()
      await expect(host.engine.withContext(site as never, () => 1)).rejects.toMatchObject({
        code: 'invalid_argument',
      })
    },
  )

  it('refuses a transaction of something else', async () => {
    await using host = await open()
    await using other = await open()
    await expect(host.engine.applyContext({} as never, () => 1)).rejects.toMatchObject({
      code: 'not_a_transaction',
    })
    await expect(
      other.db.transaction().execute((trx) => host.engine.applyContext(trx, () => 1)),
    ).rejects.toMatchObject({ code: 'wrong_database' })
  })

  // fromPg is for PostgreSQL alone.
  if (dialect === 'postgres') {
    it('gives the context to a transaction of another library', async () => {
      await using host = await open()
      await host.engine.captureTable(pages)
      const executed: string[] = []
      await host.db.connection().execute(async (connection) => {
        await run({ db: connection }, 'begin')
        const client = {
          async query(statement: string, parameters: unknown[]) {
            executed.push(statement)
            const value = String(parameters[0])
            await run({ db: connection }, statement.replace('$1', `'${value}'`))
            return { rowCount: 1 }
          },
        }
        await host.engine.withContext(a, () =>
          host.engine.applyContext(fromPg(client as never), () =>
            run({ db: connection }, `insert into page values (1, 'x')`),
          ),
        )
        await run({ db: connection }, 'commit')
      })
      expect(await eventsOf(host)).toEqual(['Create 1 1:7'])
      expect(executed).toHaveLength(2)
    })
  }
})
