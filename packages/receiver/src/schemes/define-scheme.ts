import { EventsError, shown } from '@x/events-core'
import type { SchemeSettings, WebhookScheme } from '../protocol.ts'
import type { SchemeDefinition } from './scheme.ts'
import { schemeProtocol } from './scheme-protocol.ts'

/**
 * Describes a sender that no scheme is there for. `hmac` and `sharedSecret` are ready-made ways to `verify`.
 *
 * @throws EventsError (`invalid_argument`) when a part is missing.
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
  const { name, verify, event } = definition
  if (typeof name !== 'string' || !/^[!-~]{1,100}$/.test(name)) {
    throw new EventsError(
      'invalid_argument',
      `defineScheme: name must be 1 to 100 visible ASCII characters; got ${shown(name)}`,
    )
  }
  for (const [part, value] of Object.entries({ verify, event })) {
    if (typeof value === 'function') continue
    throw new EventsError(
      'invalid_argument',
      `defineScheme: ${part} of ${name} must be a function; got ${typeof value}`,
    )
  }
  return Object.freeze({
    name,
    createProtocol: (settings: SchemeSettings) => schemeProtocol(definition, settings),
  })
}
