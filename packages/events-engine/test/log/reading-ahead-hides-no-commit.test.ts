import { createSyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import type { EventPage, PositionedEvent } from '../../src/store/position.ts'
import { withReadAhead } from '../../src/store/read-ahead.ts'
import { site } from '../open-engine.ts'

/** A log whose reads take their snapshot at once and answer when they are told to. */
function slowLog() {
  const log: PositionedEvent[] = []
  const answers: (() => void)[] = []
  return {
    commit() {
      const position = String(log.length + 1)
      const about = { entityName: 'File', entityId: 1, action: 'Update', modifiedOn: new Date() } as const
      log.push({ event: createSyncEvent({ id: `evt_${position}`, ...site, ...about }), position, size: 0 })
    },
    /** Resolves once a read is under way. */
    begun: () => waitFor(() => answers.length > 0, 'a read'),
    async answer() {
      await this.begun()
      answers.shift()?.()
    },
    ...withReadAhead(async (position, limit): Promise<EventPage> => {
      const events = log.slice(Number(position), Number(position) + limit)
      await new Promise<void>((resolve) => answers.push(resolve))
      return { events, position: events.at(-1)?.position ?? position, more: events.length === limit }
    }),
  }
}

const idsOf = (page: EventPage) => page.events.map(({ event }) => event.id)

it('does not return an empty page after a commit from a read that began before it', async () => {
  const log = slowLog()
  const early = log.readAfter('0', 10)
  await log.begun()
  log.commit()
  const late = log.readAfter('0', 10)
  await log.answer()
  expect(idsOf(await early)).toEqual([])
  await log.answer()
  expect(idsOf(await late)).toEqual(['evt_1'])
})

it('makes a reader that got kept events look again before it waits', async () => {
  const log = slowLog()
  log.commit()
  const first = log.readAfter('0', 10)
  await log.answer()
  expect((await first).more).toBe(false)
  log.commit()
  const kept = await log.readAfter('0', 10)
  expect([idsOf(kept), kept.more]).toEqual([['evt_1'], true])
  const next = log.readAfter(kept.position, 10)
  await log.answer()
  expect(idsOf(await next)).toEqual(['evt_2'])
})
