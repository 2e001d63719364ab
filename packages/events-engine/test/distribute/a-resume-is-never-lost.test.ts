import { EntityNames, type SyncEvent, systemClock } from '@x/events-core'
import { waitFor } from '@x/testkit'
import type { Kysely } from 'kysely'
import { expect, it } from 'vitest'
import { sqlDialectOf } from '../../src/sql/dialects.ts'
import { type EventStore, openEventStore } from '../../src/store/event-store.ts'
import { createGivenPositions } from '../../src/store/given-positions.ts'
import { tableNames } from '../../src/store/table-names.ts'
import { createSubscriptions } from '../../src/subscriptions.ts'
import { type OpenEngine, onEachDatabase, site } from '../open-engine.ts'

/** A call that a test ends. */
interface Call {
  readonly attempt: number
  readonly end: PromiseWithResolvers<void>
}

onEachDatabase((open) => {
  const options = { name: 'files', mode: 'durable', retry: { maxAttempts: 1 } } as const

  /** A subscription with a parked event, whose further calls wait for the test. */
  async function openParked() {
    const host = await open()
    const calls: Call[] = []
    let isParked = false
    await host.engine.subscribe(
      {
        async entityChanged(_event: SyncEvent, { attempt }) {
          if (!isParked) throw new Error('broken')
          const end = Promise.withResolvers<void>()
          calls.push({ attempt, end })
          await end.promise
        },
      },
      options,
    )
    await host.engine.start()
    const event = await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
    const { subscriptions } = host.engine
    await waitFor(async () => (await subscriptions.parked('files')).length === 1, 'the parked event')
    isParked = true
    return {
      host,
      event,
      subscriptions,
      nextCall: (number: number) => waitFor(() => calls[number - 1], `call ${number} of the parked event`),
      [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
    }
  }

  it.each(['all', 'one'])('counts while a try is failing that was asked for before (%s)', async (which) => {
    await using parked = await openParked()
    const { subscriptions, event } = parked
    const resume = () => subscriptions.resume('files', which === 'one' ? event.id : undefined)
    await resume()
    const first = await parked.nextCall(1)
    await resume()
    first.end.reject(new Error('broken as before'))
    const second = await parked.nextCall(2)
    expect([first.attempt, second.attempt]).toEqual([2, 3])
    second.end.reject(new Error('still broken'))
    await waitFor(async () => (await subscriptions.parked('files'))[0]?.attempts === 3, 'the last try')
    // Both were served: nothing is left to be tried.
    await resume()
    const third = await parked.nextCall(3)
    expect(third.attempt).toBe(4)
    third.end.resolve()
    await waitFor(async () => (await subscriptions.parked('files')).length === 0, 'the event')
  })

  it('counts while the event is failing that is read once more', async () => {
    await using parked = await openParked()
    const { subscriptions } = parked
    await subscriptions.rewind('files', 'start')
    const again = await parked.nextCall(1)
    await subscriptions.resume('files')
    again.end.reject(new Error('broken as before'))
    const resumed = await parked.nextCall(2)
    resumed.end.resolve()
    await waitFor(async () => (await subscriptions.parked('files')).length === 0, 'the event')
  })

  it('is no mistake where the event is gone by the time that it is asked for', async () => {
    await using parked = await openParked()
    const { subscriptions, event, host } = parked
    const store = storeOf(host)
    const requestResume: EventStore['requestResume'] = async (name, id) => {
      // As another node does, whose call came first.
      await subscriptions.discard(name, id)
      return store.requestResume(name, id)
    }
    const elsewhere = createSubscriptions({ ...store, requestResume }, createGivenPositions(store), () => {})
    await elsewhere.resume('files', event.id)
    await expect(elsewhere.resume('files', event.id)).rejects.toMatchObject({ code: 'event_not_parked' })
    await expect(elsewhere.resume('none', event.id)).rejects.toMatchObject({ code: 'unknown_subscription' })
  })
})

function storeOf({ db, engine }: OpenEngine): EventStore {
  return openEventStore({
    db: db as Kysely<unknown>,
    sql: sqlDialectOf(engine.dialect),
    names: tableNames(engine.tablePrefix, engine.schema),
    nodeId: 'elsewhere',
    clock: systemClock,
  })
}
