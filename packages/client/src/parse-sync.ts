import { createSyncEvent, type JsonValue, type Sync, type SyncEvent } from '@x/events-core'
import { SyncClientError } from './errors.ts'

const ISO_WITH_ZONE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$/i
const YEAR_1 = Date.parse('0001-01-01T00:00:00.000Z')
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Reads the body of an answer of the sync API. Fields that it does not know are ignored.
 *
 * @throws {@link SyncClientError} `invalid_answer`, naming what is wrong and where.
 */
export function parseSync(body: string): Sync {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch (cause) {
    throw invalid(`is not JSON but ${excerpt(body)}`, cause)
  }
  if (!isRecord(json)) throw invalid(`is ${excerpt(json)}, not an object`)
  const { syncDate, syncEvents } = json
  if (!Array.isArray(syncEvents)) throw invalid(`has ${excerpt(syncEvents)} as syncEvents, not an array`)
  return Object.freeze({
    syncDate: parseDate(syncDate, 'syncDate'),
    syncEvents: Object.freeze(syncEvents.map((event, index) => parseEvent(event, `syncEvents[${index}]`))),
  })
}

function parseEvent(json: unknown, path: string): SyncEvent {
  if (!isRecord(json)) throw invalid(`has ${excerpt(json)} as ${path}, not an object`)
  const { entityId, data } = json
  if (typeof entityId !== 'string' && !Number.isFinite(entityId)) {
    throw invalid(`has ${excerpt(entityId)} as ${path}.entityId, not a number or a string`)
  }
  return createSyncEvent({
    id: parseName(json['id'], `${path}.id`),
    tenantId: parseInteger(json['tenantId'], `${path}.tenantId`),
    siteId: parseInteger(json['siteId'], `${path}.siteId`),
    entityName: parseName(json['entityName'], `${path}.entityName`),
    entityId: entityId as string | number,
    action: parseName(json['action'], `${path}.action`),
    modifiedOn: parseDate(json['modifiedOn'], `${path}.modifiedOn`),
    // Whatever comes out of JSON.parse is a JSON value.
    ...(data === undefined ? {} : { data: data as JsonValue }),
  })
}

function parseName(value: unknown, path: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`has ${excerpt(value)} as ${path}, not a string`)
}

function parseInteger(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw invalid(`has ${excerpt(value)} as ${path}, not an integer`)
}

// A date without a zone would be read in the zone of whoever reads it, and one outside of the
// four-digit years cannot be asked with.
function parseDate(value: unknown, path: string): Date {
  const date = new Date(typeof value === 'string' && ISO_WITH_ZONE.test(value) ? value : Number.NaN)
  if (date.getTime() >= YEAR_1 && date.getTime() <= YEAR_9999) return date
  throw invalid(`has ${excerpt(value)} as ${path}, not an ISO 8601 date with its zone`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(what: string, cause?: unknown): SyncClientError {
  const message = `The answer of the sync API ${what}; check that the url is the sync API's, and no page or proxy answers for it`
  return new SyncClientError('invalid_answer', message, cause === undefined ? {} : { cause })
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
