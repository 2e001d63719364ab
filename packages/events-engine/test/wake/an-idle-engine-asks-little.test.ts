import { waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { site } from '../open-engine.ts'
import { openWatchedDatabase } from '../watch-queries.ts'

const POLLS = 5

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  // What docs/guides/observability.md says: 60 polls and 30 renewals a minute, however many subscriptions.
  it('polls once a second and extends all leases in one statement, and asks nothing else', async () => {
    let asked: string[] = []
    const renewals = () => asked.filter((text) => text.includes('update') && text.includes('leased_until'))
    const polls = () => asked.filter((text) => !renewals().includes(text))
    await using database = await openWatchedDatabase(dialect, ({ sql }) => void asked.push(sql))
    // The defaults, but without the time in which polls grow rare, and the clean-up of once a minute.
    await using engine = createEventEngine({ db: database.db, pollMinMs: 1_000, retention: false })
    await engine.migrate()
    let handled = 0
    for (const name of ['one', 'two', 'three']) {
      await engine.subscribe({ entityChanged: () => void handled++ }, { name, mode: 'durable' })
    }
    await engine.start()
    await engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
    await waitFor(() => handled === 3, 'the last event before nothing happens')
    const savesOfPositions = () => asked.filter((text) => text.includes('set position'))
    await waitFor(() => savesOfPositions().length === 3, 'the positions')
    // One look more finds what was committed here, which its readers knew without it.
    const looks = () => asked.filter((text) => /sqlite_sequence|as changed/.test(text))
    asked = []
    await waitFor(() => looks().length === 2, 'looks that find nothing any more')

    asked = []
    const startedAt = performance.now()
    await waitFor(() => polls().length >= POLLS, 'some polls')
    const seconds = (performance.now() - startedAt) / 1_000
    expect(seconds).toBeGreaterThan(POLLS - 1.5)
    expect(new Set(polls()).size).toBe(1)
    expect(renewals().length).toBeGreaterThanOrEqual(1)
    expect(renewals().length).toBeLessThanOrEqual(Math.ceil(seconds / 2))
  })
})
