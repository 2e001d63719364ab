import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { integer, nullable, real } from '../sql/columns.ts'
import { findsRow, readRows } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import {
  eventColumns,
  eventOf,
  raisedOn,
  selectedColumns,
  selectedWithoutData,
  sequenceOf,
} from './event-row.ts'
import { createEventReader, foundColumns, selectedFound } from './found-events.ts'
import { logOrderOf } from './log-order.ts'
import { createLogPlaces, DISORDER_MS } from './places.ts'

/** Which events to search for. */
export interface LogQuery {
  /** Events of this tenant, and of all tenants. */
  readonly tenantId: number
  readonly entityName?: string | undefined
  /** As text: 7 and '7' are both found. */
  readonly entityId?: string | undefined
  readonly action?: string | undefined
  /** Raised at this time or later. */
  readonly since?: number | undefined
  /** Raised before this time. */
  readonly until?: number | undefined
  /** The `next` of the search before. */
  readonly before?: number | undefined
  readonly limit: number
  /** What else an event has to be. @defaultValue any will do */
  wants?(event: SyncEvent): boolean
}

/** What a search has found. */
export interface LogSearch {
  /** The newest first, without their data. */
  readonly events: readonly SyncEvent[]
  /** Where to go on; undefined where the search is at its end. */
  readonly next: number | undefined
  /** When the oldest event that it has looked at was raised; undefined where it has looked at none. */
  readonly searchedTo: number | undefined
}

/** Searches the log, whether its events were handled or not. */
export interface LogReader {
  /** Looks at 50,000 events of the log at most. */
  search(query: LogQuery): Promise<LogSearch>
  /** Reads what a search has found, with data: from the first on, as much as fills a page. */
  load(events: readonly SyncEvent[]): Promise<readonly SyncEvent[]>
  /** Finds an event by its id. */
  find(id: string): Promise<SyncEvent | undefined>
  /** Whether a durable subscription has passed an event that was found here. */
  hasPassed(subscription: string, sequence: number): Promise<boolean>
  /** Since when an event is parked; undefined where it is not. */
  parkedOn(subscription: string, eventId: string): Promise<number | undefined>
}

/** The log has no index on tenants, entities or ids, for which each raise would pay: what is read back of it is bounded. */
const MAX_ROWS = 50_000
/** SQLite holds the thread for so long. */
const ROWS_AT_ONCE = 2_000
const EVENTS_AT_ONCE = 100
/** Ids tell when they were made; how far from there to look for an event, in milliseconds. */
const NEIGHBOURHOODS = [1_000, DISORDER_MS]

const windowColumns = { first: nullable(integer), modified_on: nullable(integer) }

/** Creates what looks for events of one tenant in the log of all. */
export function createLogReader(context: LogContext): LogReader {
  const { db, sql, names } = context
  const { statement, cast, isListed } = sql
  const { isBehind } = logOrderOf(context)
  const log = `${names.syncEvent} e`
  const places = createLogPlaces(context)
  const readWhole = createEventReader(context)
  const window = statement(`select e.seq as first, ${raisedOn(sql)} from ${log} where e.seq = (
      select min(seq) from (select e.seq from ${log} where e.seq < $1 and e.seq >= $2 order by e.seq desc limit $3) w)`)
  const given = (parameter: string) => cast(parameter, 'text')
  const page = statement(`select e.seq, ${selectedWithoutData(sql)} from ${log}
    where e.seq >= $1 and e.seq < $2 and e.tenant_id in ($3, ${ALL_TENANTS})
      and (${given('$4')} is null or e.entity_name = ${given('$4')})
      and (${given('$5')} is null or e.action = ${given('$5')})
      and (${given('$6')} is null or ${isListed('e.entity_id', '$6', 'text')})
    order by e.seq desc limit $7`)
  const bySequence = statement(`select e.seq, ${selectedFound(sql)} from ${log}
    where ${isListed('e.seq', '$1')} order by e.seq desc`)
  const byId = statement(`select e.seq, ${selectedColumns(sql)} from ${log}
    where e.seq >= $1 and e.seq < $2 and e.id = $3`)
  const passed = statement(`select 1 from ${log}, ${names.subscription} s
    where s.name = $1 and e.seq = $2 and ${isBehind('s.position')}`)
  const parked = statement(
    `select parked_on from ${names.parkedEvent} where subscription = $1 and event_id = $2`,
  )

  /** The last sequence to look at, and the first. */
  async function rangeOf({ since, until, before }: LogQuery): Promise<readonly [number, number]> {
    const end = before ?? Number.MAX_SAFE_INTEGER
    if (since === undefined && until === undefined) return [end, 0]
    const last = (await places.newest())?.sequence ?? 0
    const first = since === undefined ? 0 : await places.firstOf(since - DISORDER_MS, last)
    const beyond = until === undefined ? end : await places.firstOf(until + DISORDER_MS, last)
    return [Math.min(end, beyond), first]
  }

  async function search(query: LogQuery): Promise<LogSearch> {
    const { tenantId, entityName = null, entityId, action = null, limit, wants } = query
    const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = query
    const entityIds = entityId === undefined ? null : JSON.stringify(storedIds(entityId))
    const found: SyncEvent[] = []
    const isWanted = (event: SyncEvent) => {
      const time = event.modifiedOn.getTime()
      return time >= since && time < until && (wants?.(event) ?? true)
    }
    let [before, end] = await rangeOf(query)
    let searchedTo: number | undefined
    for (let looked = 0; looked < MAX_ROWS; looked += ROWS_AT_ONCE) {
      const [row] = await readRows(db, windowColumns, window, [before, end, ROWS_AT_ONCE])
      const first = row?.first ?? null
      if (first === null) return { events: found, next: undefined, searchedTo }
      for (let rows = EVENTS_AT_ONCE; rows === EVENTS_AT_ONCE; ) {
        const values = [first, before, tenantId, entityName, action, entityIds, EVENTS_AT_ONCE]
        const events = await readRows(db, { seq: integer, ...eventColumns }, page, values)
        for (const eventRow of events) {
          const event = eventOf(eventRow)
          if (isWanted(event)) found.push(event)
          if (found.length >= limit) {
            return { events: found, next: eventRow.seq, searchedTo: event.modifiedOn.getTime() }
          }
        }
        rows = events.length
        before = events.at(-1)?.seq ?? first
      }
      before = first
      searchedTo = row?.modified_on ?? searchedTo
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { events: found, next: before, searchedTo }
  }

  return {
    search,
    async load(events) {
      const sequences = `[${events.map(sequenceOf).join(',')}]`
      const rows = await readRows(db, { ...foundColumns, seq: integer }, bySequence, [sequences])
      return (await readWhole(rows)).flatMap(({ event }) => event ?? [])
    },
    async find(id) {
      const time = timeOf(id)
      if (time === undefined) return undefined
      const last = (await places.newest())?.sequence ?? 0
      for (const distanceMs of NEIGHBOURHOODS) {
        const begin = await places.firstOf(time - distanceMs, last)
        const end = (await places.firstOf(time + distanceMs, last)) + 1
        for (let from = begin; from < end; from += ROWS_AT_ONCE) {
          const values = [from, Math.min(end, from + ROWS_AT_ONCE), id]
          const [row] = await readRows(db, { seq: integer, ...eventColumns }, byId, values)
          if (row) return eventOf(row)
          if (from - begin > MAX_ROWS) break
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      return undefined
    },
    hasPassed: (subscription, sequence) => findsRow(db, passed, [subscription, sequence]),
    async parkedOn(subscription, eventId) {
      const [row] = await readRows(db, { parked_on: real }, parked, [subscription, eventId])
      return row?.parked_on
    },
  }
}

/** How an entity's id may be stored: as JSON, of a text or of a number. */
function storedIds(entityId: string): string[] {
  const quoted = JSON.stringify(entityId)
  return String(Number(entityId)) === entityId ? [quoted, entityId] : [quoted]
}

/** When an event's id was made: it is a UUID version 7 (RFC 9562, 5.7). */
function timeOf(id: string): number | undefined {
  const [, high = '', low = ''] = /^evt_([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/.exec(id) ?? []
  return high === '' ? undefined : Number.parseInt(high + low, 16)
}
