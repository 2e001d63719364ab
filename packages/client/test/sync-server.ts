import type { Clock, SyncEvent } from '@x/events-core'
import { formatSyncDate } from '@x/events-core'
import {
  type Answer,
  type ManualClock,
  manualClock,
  type TestConsumer,
  testConsumer,
  waitFor,
} from '@x/testkit'

export type EventJson = Omit<SyncEvent, 'modifiedOn'> & { readonly modifiedOn: string }

let count = 0

/** An event as the sync API answers it. */
export function eventJson(fields: Partial<EventJson> = {}): EventJson {
  count += 1
  const { tenantId = 1, siteId = 7 } = fields
  return {
    id: `evt_${count}`,
    tenantId,
    siteId,
    siteKey: `${tenantId}:${siteId}`,
    entityName: 'Site',
    entityId: 7,
    action: 'Refresh',
    modifiedOn: '2026-11-24T08:00:00.000Z',
    ...fields,
  }
}

/** The sync API of a host, over real HTTP, whose log and time the test writes. */
export interface SyncServer extends AsyncDisposable {
  readonly url: string
  readonly requests: TestConsumer['requests']
  /** What it says the time is. */
  now: Date
  readonly events: EventJson[]
  /** The dates that it was asked with. */
  dates(): string[]
  received: TestConsumer['received']
  /** Answers something else from now on; without argument, the sync API again. */
  misbehave(how?: () => number | Answer | Promise<number | Answer>): void
}

export async function syncServer(): Promise<SyncServer> {
  const consumer = await testConsumer()
  const dateIn = (path: string) => path.slice('/hook/'.length)
  const server: SyncServer = {
    url: consumer.url,
    requests: consumer.requests,
    now: new Date('2026-11-24T08:00:00.000Z'),
    events: [],
    dates: () => consumer.requests.map((request) => dateIn(request.path)),
    received: consumer.received,
    misbehave(how) {
      consumer.answer(how ?? answer)
    },
    [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose](),
  }
  function answer(request: { readonly path: string }): Answer {
    const date = dateIn(request.path)
    const syncEvents = date.startsWith('0001')
      ? []
      : server.events.filter((event) => formatSyncDate(new Date(event.modifiedOn)) >= date)
    return { status: 200, body: JSON.stringify({ syncDate: server.now.toISOString(), syncEvents }) }
  }
  consumer.answer(answer)
  return server
}

/** A clock moved by hand which tells what was scheduled on it. */
export interface ObservedClock extends ManualClock {
  readonly delays: readonly number[]
  /** Waits until so many timers with such a delay were set. */
  scheduled(delayMs: number, times?: number): Promise<unknown>
}

export function observedClock(startMs?: number): ObservedClock {
  const clock = manualClock(startMs)
  const delays: number[] = []
  const schedule: Clock['schedule'] = (callback, delayMs) => {
    delays.push(delayMs)
    return clock.schedule(callback, delayMs)
  }
  return {
    ...clock,
    schedule,
    delays,
    scheduled: (delayMs, times = 1) =>
      waitFor(
        () => delays.filter((delay) => delay === delayMs).length >= times,
        `timer ${times} of ${delayMs} ms`,
      ),
  }
}
