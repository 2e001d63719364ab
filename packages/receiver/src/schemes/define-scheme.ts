import { type Assertion, type FieldNames, isListOf } from '@x/events-core'
import { assertFields, assertFunction, createArgumentAssertion } from '../assert.ts'
import type { SchemeSettings, WebhookScheme } from '../protocol.ts'
import type { BodyFormat, SchemeAnswer, SchemeDefinition } from './scheme.ts'
import { schemeProtocol } from './scheme-protocol.ts'

const NAMES: FieldNames<SchemeDefinition> = {
  name: true,
  formats: true,
  verify: true,
  event: true,
  handshake: true,
  challenge: true,
  acknowledgement: true,
}
const ANSWER_NAMES: FieldNames<SchemeAnswer> = { status: true, headers: true, body: true }
const FORMATS: readonly unknown[] = ['json', 'form', 'xml'] satisfies BodyFormat[]

const isFormat = (value: unknown): value is BodyFormat => FORMATS.includes(value)

/**
 * Describes a sender that no scheme is there for. `hmac` and `sharedSecret` are ready-made ways to `verify`.
 *
 * @throws EventsError (`invalid_argument`) when a part is missing, or cannot be used.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { defineScheme, hmac } from '@x/receiver/schemes'
 *
 * const acme = (secret: string) =>
 *   defineScheme({
 *     name: 'acme',
 *     verify: hmac({ secret, header: 'x-acme-signature', prefix: 'sha256=' }),
 *     event: ({ headers, payload }) => ({
 *       id: headers.get('x-acme-delivery'),
 *       type: headers.get('x-acme-event'),
 *       data: payload,
 *     }),
 *   })
 *
 * const receiver = createReceiver({ scheme: acme(process.env['ACME_SECRET']!) })
 * ```
 */
export function defineScheme(definition: SchemeDefinition): WebhookScheme {
  const assert: Assertion = createArgumentAssertion('defineScheme')
  assertFields(assert, definition, NAMES)
  const { name, formats, verify, event, handshake, challenge, acknowledgement } = definition
  const isName = typeof name === 'string' && /^[!-~]{1,100}$/.test(name)
  assert(isName, 'name', '1 to 100 visible ASCII characters', name)
  for (const [part, value] of Object.entries({ verify, event })) {
    assert(typeof value === 'function', `${part} of ${name}`, 'a function', value)
  }
  const areFormats = formats === undefined || (isListOf(formats, isFormat) && formats.length > 0)
  assert(areFormats, `formats of ${name}`, "a list of 'json', 'form' or 'xml'", formats)
  assertFunction(assert, `handshake of ${name}`, handshake)
  assertFunction(assert, `challenge of ${name}`, challenge)
  assert.fields(`acknowledgement of ${name}`, acknowledgement, ANSWER_NAMES)
  return Object.freeze({
    name,
    createProtocol: (settings: SchemeSettings) => schemeProtocol(definition, settings),
  })
}
