import { Writable } from 'node:stream'
import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { onEachDatabase, site } from '../open-engine.ts'

/** A real pino logger, and what it wrote. */
function recordPino() {
  const entries: Record<string, unknown>[] = []
  const destination = new Writable({
    write(line, _encoding, done) {
      entries.push(JSON.parse(String(line)))
      done()
    },
  })
  return { entries, logger: pino({ level: 'debug', base: null }, destination) }
}

const WARN = 40
const ERROR = 50

onEachDatabase((open) => {
  it('tells of each failed try which subscription, event and node it was, and nothing of the data', async () => {
    const { entries, logger } = recordPino()
    await using host = await open({ logger })
    const entityChanged = () => {
      throw new RangeError('no room')
    }
    const retry = { maxAttempts: 2, firstDelayMs: 1 }
    await host.engine.subscribe({ entityChanged }, { name: 'files', mode: 'durable', retry })
    await host.engine.start()
    const { nodeId } = host.engine
    const data = { password: 'hunter2' }
    const event = await host.engine.syncManager.addSyncEvent(site, EntityNames.User, 1, 'Update', { data })
    await waitFor(async () => (await host.engine.stats()).parked === 1, 'parking')
    await host.engine.stop()

    const failures = entries.filter((entry) => Number(entry['level']) >= WARN)
    const common = {
      nodeId,
      subscription: 'files',
      eventId: event.id,
      err: { type: 'RangeError', message: 'no room' },
    }
    expect(failures).toMatchObject([
      { ...common, level: WARN, attempt: 1, msg: 'A subscriber failed; the event is tried again' },
      {
        ...common,
        level: ERROR,
        attempt: 2,
        msg: 'A subscriber failed for the last time; the event is parked',
      },
    ])
    expect(entries.every((entry) => entry['nodeId'] === nodeId)).toBe(true)
    expect(JSON.stringify(entries)).not.toContain('hunter2')
  })

  it('says nothing above debug while all is well', async () => {
    const { entries, logger } = recordPino()
    await using host = await open({ logger })
    await host.engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
    await host.engine.start()
    await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
    await waitFor(async () => (await host.engine.stats()).handled === 1, 'the event')
    await host.engine.stop()
    expect(entries.filter((entry) => Number(entry['level']) > 20)).toEqual([])
  })
})
