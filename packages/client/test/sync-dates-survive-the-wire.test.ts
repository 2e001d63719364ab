import { createSyncEvent, formatSyncDate, type SyncEvent } from '@x/events-core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSyncClient } from '../src/index.ts'
import { parseSync } from '../src/parse-sync.ts'

const date = fc.date({
  min: new Date('0001-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,20}$/)
const event: fc.Arbitrary<SyncEvent> = fc
  .record(
    {
      id: fc.uuid({ version: 7 }).map((uuid) => `evt_${uuid}`),
      tenantId: fc.integer({ min: -1 }),
      siteId: fc.integer({ min: -1 }),
      entityName: name,
      entityId: fc.oneof(fc.integer(), fc.string()),
      action: name,
      modifiedOn: date,
      data: fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<string>,
    },
    { requiredKeys: ['id', 'tenantId', 'siteId', 'entityName', 'entityId', 'action', 'modifiedOn'] },
  )
  .map(createSyncEvent)

it('reads every answer that the server can write', () => {
  fc.assert(
    fc.property(fc.record({ syncDate: date, syncEvents: fc.array(event, { maxLength: 5 }) }), (sync) => {
      const body = JSON.stringify(sync)
      expect(JSON.stringify(parseSync(body))).toBe(body)
    }),
  )
})

it('reads the seven digits of a second that .NET writes', () => {
  const body = JSON.stringify({ syncDate: '2026-11-24T08:00:00.1234567Z', syncEvents: [] })
  expect(parseSync(body).syncDate).toEqual(new Date('2026-11-24T08:00:00.123Z'))
})

it('asks with the date of the answer, whichever it is', async () => {
  await fc.assert(
    fc.asyncProperty(date, async (syncDate) => {
      const asked: string[] = []
      const client = createSyncClient({
        transport: 'polling',
        url: 'http://127.0.0.1/api/Sync',
        fetch: async (url) => {
          asked.push(url)
          return Response.json({ syncDate, syncEvents: [] })
        },
      })
      await client.poll()
      await client.poll()
      expect(asked[1]).toBe(`http://127.0.0.1/api/Sync/${formatSyncDate(syncDate)}`)
    }),
    { numRuns: 50 },
  )
})
