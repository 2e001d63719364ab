import { type Assertion, isEventTypeMember, type TenantSite } from '@x/events-core'
import { EventEngineError } from '../errors.ts'
import { createArgumentAssertion } from '../util/assert.ts'
import { isStorable, thrownMessage } from '../util/storable-text.ts'

const MAX_ENTITY_ID_LENGTH = 512
/** As `JSON.stringify` writes them; two backslashes are one that was in the text. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

const assertArgument: Assertion = createArgumentAssertion('addSyncEvent')

/** Asserts that the log can keep an event, and that subscribers can match it. */
export function validateEvent(
  site: TenantSite,
  entityName: string,
  entityId: number | string,
  action: string,
): void {
  assertArgument(isInteger(site?.tenantId), 'tenantId', 'an integer', site?.tenantId)
  assertArgument(isInteger(site.siteId), 'siteId', 'an integer', site.siteId)
  const name = 'letters, digits, _, - and :, at most 100'
  assertArgument(isMember(entityName), 'entityName', name, entityName)
  assertArgument(isMember(action), 'action', name, action)
  const idFits =
    typeof entityId === 'string'
      ? entityId !== '' && entityId.length <= MAX_ENTITY_ID_LENGTH && isStorable(entityId)
      : isInteger(entityId)
  assertArgument(
    idFits,
    'entityId',
    `an integer or a text of 1 to ${MAX_ENTITY_ID_LENGTH} characters, without U+0000 or half of a surrogate pair`,
    entityId,
  )
}

const isInteger = (value: unknown) => Number.isSafeInteger(value)
const isMember = (value: unknown) => typeof value === 'string' && isEventTypeMember(value)

/**
 * The JSON text of an event's data, or null where there is none.
 *
 * @throws EventEngineError `invalid_data` for what JSON cannot hold, `data_too_large` above the limit.
 */
export function dataTextOf(data: unknown, maxDataBytes: number): string | null {
  if (data === undefined) return null
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch (cause) {
    throw new EventEngineError(
      'invalid_data',
      `addSyncEvent: options.data cannot be written as JSON (${thrownMessage(cause, 200).split('\n')[0]}); convert BigInts to text and cut cycles.`,
      { cause },
    )
  }
  if (text === undefined) {
    throw new EventEngineError(
      'invalid_data',
      `addSyncEvent: options.data is a ${typeof data}, which JSON cannot hold; leave it out or pass plain values.`,
    )
  }
  if (holdsUnstorable(text)) {
    throw new EventEngineError(
      'invalid_data',
      'addSyncEvent: options.data holds a text with U+0000 or half of a surrogate pair, which not every database and receiver can read; take it out, or encode the text (base64, say).',
    )
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > maxDataBytes) {
    throw new EventEngineError(
      'data_too_large',
      `addSyncEvent: options.data takes ${bytes} bytes as JSON, more than the ${maxDataBytes} of options.maxDataBytes; attach a reference instead, or raise the limit.`,
    )
  }
  return text
}

/** Whether a text within some JSON, a name of a property included, is none that every database stores. */
function holdsUnstorable(json: string): boolean {
  // Both are written as escapes, which few texts have any of.
  if (!json.includes('\\u')) return false
  // Written anew, since a toJSON or JSON.rawJSON may have chosen another spelling.
  return UNSTORABLE.test(JSON.stringify(JSON.parse(json)))
}
