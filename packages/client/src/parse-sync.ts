import { createSyncEvent, type JsonValue, type Sync, type SyncEvent } from '@x/events-core'
import { SyncClientError } from './errors.ts'

/** A date with its time zone, since without one each reader would assume its own. Years have four digits. */
const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/i

type Json = Record<string, unknown>

/**
 * Parses a response body of the sync API. Unknown fields are ignored.
 *
 * @throws {@link SyncClientError} `invalid_response`, which names the fault and its place.
 */
export function parseSync(body: string): Sync {
  const { syncDate, syncEvents } = parseObject(body)
  const events = expect<unknown[]>(syncEvents, 'syncEvents', 'an array', Array.isArray(syncEvents))
  return Object.freeze({
    syncDate: parseDate(syncDate, 'syncDate'),
    syncEvents: Object.freeze(events.map((event, index) => parseEvent(event, `syncEvents[${index}]`))),
  })
}

/** @throws {@link SyncClientError} `invalid_response`. */
export function parseObject(text: string): Json {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(`is not JSON but ${excerpt(text)}`, { cause })
  }
  return isObject(json, 'response')
}

/** @throws {@link SyncClientError} `invalid_response`. */
export function parseEvent(json: unknown, path: string): SyncEvent {
  const fields = isObject(json, path)
  const { entityId, data } = fields
  const name = (field: string) => {
    const value = fields[field]
    return expect<string>(value, `${path}.${field}`, 'a string', typeof value === 'string' && value !== '')
  }
  const integer = (field: string) =>
    expect<number>(fields[field], `${path}.${field}`, 'an integer', Number.isSafeInteger(fields[field]))
  return createSyncEvent({
    id: name('id'),
    tenantId: integer('tenantId'),
    siteId: integer('siteId'),
    entityName: name('entityName'),
    entityId: expect(
      entityId,
      `${path}.entityId`,
      'a number or a string',
      typeof entityId === 'string' || Number.isFinite(entityId),
    ),
    action: name('action'),
    modifiedOn: parseDate(fields['modifiedOn'], `${path}.modifiedOn`),
    // Every result of JSON.parse is a JSON value.
    ...(data === undefined ? {} : { data: data as JsonValue }),
  })
}

/** @throws {@link SyncClientError} `invalid_response`. */
export function parseDate(value: unknown, path: string): Date {
  const date = new Date(typeof value === 'string' && ISO_DATE.test(value) ? value : Number.NaN)
  const year = date.getUTCFullYear()
  expect(value, path, 'an ISO 8601 date with its zone', year > 0 && year < 10_000)
  return date
}

function isObject(value: unknown, path: string): Json {
  return expect(
    value,
    path,
    'an object',
    typeof value === 'object' && value !== null && !Array.isArray(value),
  )
}

function expect<TValue>(value: unknown, path: string, what: string, isThat: boolean): TValue {
  if (isThat) return value as TValue
  throw invalid(`has ${excerpt(value)} as ${path}, not ${what}`)
}

function invalid(what: string, options: { readonly cause?: unknown } = {}): SyncClientError {
  const message = `The response ${what}; is the url the sync API's?`
  return new SyncClientError('invalid_response', message, options)
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
