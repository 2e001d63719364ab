import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onEachDatabase, site } from '../open-engine.ts'

const late = (async () => Promise.reject(new Error('late'))) as never

onEachDatabase((open) => {
  it.each([
    ['a filter', { filter: late }],
    ['a filter that would let nothing pass', { filter: (async () => false) as never }],
    ['a key', { orderBy: late, concurrency: 4 }],
    ['a key without text', { orderBy: (() => undefined) as never, concurrency: 4 }],
  ])('parks an event where %s is a promise or nothing, and calls no subscriber', async (_, options) => {
    await using host = await open()
    const handled: unknown[] = []
    const retry = { maxAttempts: 1, firstDelayMs: 0, maxDelayMs: 0 }
    await host.engine.subscribe(
      { entityChanged: (event) => void handled.push(event.id) },
      { name: 'files', mode: 'durable', retry, ...options },
    )
    await host.engine.start()
    await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Update')
    const parked = await waitFor(async () => {
      const found = await host.engine.subscriptions.parked('files')
      return found.length > 0 && found
    }, 'the event to be parked')
    expect(parked[0]?.error).toMatch(/has to answer at once|has to give a text/)
    expect(handled).toEqual([])
  })
})
