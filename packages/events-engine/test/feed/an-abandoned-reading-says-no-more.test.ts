import type { SyncEvent } from '@x/events-core'
import { manualClock, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createFeedHub } from '../../src/feed/feed-hub.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import type { EventPage, PositionedEvent } from '../../src/store/position.ts'
import { createWakeSignal } from '../../src/wake/wake-signal.ts'
import { recordingLogger } from '../open-engine.ts'

const nothing: EventPage = { events: [], position: 'start', more: false }
const oneEvent: EventPage = {
  events: [{ position: 'one', event: { id: 'evt_1' } as SyncEvent, size: 0 }],
  position: 'one',
  more: false,
}

/** A hub on a log whose answers the test gives, in whatever order. */
function openHub() {
  const clock = manualClock()
  const wake = createWakeSignal(clock)
  const logger = recordingLogger()
  const starts: PromiseWithResolvers<string>[] = []
  const reads: PromiseWithResolvers<EventPage>[] = []
  function asked<TAnswer>(list: PromiseWithResolvers<TAnswer>[]): Promise<TAnswer> {
    const answer = Promise.withResolvers<TAnswer>()
    list.push(answer)
    return answer.promise
  }
  const log: Pick<EventStore, 'endPosition' | 'readAfter'> = {
    endPosition: () => asked(starts),
    readAfter: () => asked(reads),
  }
  const hub = createFeedHub({ store: log as EventStore, wake, clock, logger })
  const read = (number: number) => waitFor(() => reads[number - 1], `read ${number}`)
  return {
    clock,
    wake,
    logger,
    hub,
    starts,
    reads,
    read,
    /** Has a first listener join, and leave while the log is read for it once more. */
    async abandonRead(): Promise<PromiseWithResolvers<EventPage>> {
      const first = listener()
      const joined = hub.join(first.listen)
      starts[0]?.resolve('start')
      ;(await read(1)).resolve(nothing)
      await joined
      wake.poke()
      const abandoned = await read(2)
      hub.leave(first.listen)
      return abandoned
    },
  }
}

function listener() {
  const heard: string[] = []
  return {
    heard,
    listen: (events: readonly PositionedEvent[]) => void heard.push(...events.map(({ event }) => event.id)),
  }
}

it('refuses no listener that came later', async () => {
  const { hub, starts, read, logger, abandonRead } = openHub()
  const abandoned = await abandonRead()
  const joined = hub.join(listener().listen)
  starts[1]?.resolve('start')
  const reading = await read(3)
  abandoned.reject(new Error('the connection of before'))
  reading.resolve(nothing)
  await joined
  expect(logger.messages).toEqual([])
})

it('tells no event to a listener that came later', async () => {
  const { hub, wake, starts, read, abandonRead } = openHub()
  const abandoned = await abandonRead()
  const later = listener()
  const joined = hub.join(later.listen)
  starts[1]?.resolve('start')
  ;(await read(3)).resolve(nothing)
  await joined
  abandoned.resolve(oneEvent)
  wake.poke()
  ;(await read(4)).resolve(oneEvent)
  await waitFor(() => later.heard.length > 0, 'the event')
  expect(later.heard).toEqual(['evt_1'])
})

it('refuses nobody where it had not begun', async () => {
  const { hub, starts, read } = openHub()
  const before = hub.join(listener().listen)
  const stopped = hub.stop()
  await before
  const joined = hub.join(listener().listen)
  starts[0]?.reject(new Error('the connection of before'))
  await stopped
  starts[1]?.resolve('start')
  ;(await read(1)).resolve(nothing)
  await joined
})

it('keeps nobody waiting who joins while another reading is under way', async () => {
  const { clock, hub, wake, starts, reads, read } = openHub()
  // So many that events gather for a moment.
  const many = Array.from({ length: 100 }, listener)
  const allJoined = Promise.all(many.map(({ listen }) => hub.join(listen)))
  starts[0]?.resolve('start')
  for (let count = 1; count <= 2; count++) (await read(count)).resolve(nothing)
  await allJoined
  wake.poke()
  ;(await read(3)).resolve(oneEvent)
  await waitFor(() => many.every(({ heard }) => heard.length === 1), 'the event')
  for (const { listen } of many) hub.leave(listen)

  const second = hub.join(listener().listen)
  starts[1]?.resolve('one')
  const reading = await read(4)
  const third = hub.join(listener().listen)
  await clock.advance(10)
  reading.resolve({ ...nothing, position: 'one' })
  await second
  ;(await read(5)).resolve({ ...nothing, position: 'one' })
  await third
  expect(reads.length).toBe(5)
})
