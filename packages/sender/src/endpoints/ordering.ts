import { createHash } from 'node:crypto'
import { isPlainObject, type SyncEvent, shown } from '@x/events-core'
import { isStorable, thrownMessage } from '@x/events-engine/internal'
import { WebhookSenderError } from '../errors.ts'

/** Tells which events must reach an endpoint one after the other: those it gives the same text for. */
export type OrderingKey = (event: SyncEvent) => string

/**
 * How an endpoint's messages follow each other. `'none'`: as they come, several at once. `'fifo'`: one
 * after the other, all of them. By a key: one after the other where the key is the same, `'entity'`,
 * `'tenant'`, or a name of the sender's option `orderingKeys`.
 */
export type Ordering = 'none' | 'fifo' | { readonly by: string }

/** The same as it is given: a function that the sender knows by a name will do as well. */
export type OrderingInput = 'none' | 'fifo' | { readonly by: string | OrderingKey }

/** The functions that endpoints can be ordered by, by the names that are stored. */
export type OrderingKeys = Readonly<Record<string, OrderingKey>>

/** Gives the ordering key of a message: messages of one key are delivered one after the other. Null: no order. */
export type OrderingKeyOf = (ordering: Ordering, event: SyncEvent) => string | null

const BUILT_IN = ['entity', 'tenant']
const MAX_KEY_LENGTH = 200

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateOrdering(input: OrderingInput, keys: OrderingKeys): Ordering {
  if (input === 'none' || input === 'fifo') return input
  const by = isPlainObject(input) && Object.keys(input).length === 1 ? input.by : undefined
  const name = typeof by === 'function' ? Object.keys(keys).find((key) => keys[key] === by) : by
  if (typeof name === 'string' && (BUILT_IN.includes(name) || Object.hasOwn(keys, name))) return { by: name }
  const known = [...BUILT_IN, ...Object.keys(keys)].map((key) => shown(key)).join(', ')
  throw new WebhookSenderError(
    'invalid_endpoint',
    `The endpoint's ordering must be 'none', 'fifo' or { by: one of ${known} }; got ${shown(typeof by === 'function' ? 'a function' : (by ?? input))}.`,
    {
      field: 'ordering',
      remedy:
        'A function is stored by its name: give it to createWebhookSender as one of options.orderingKeys.',
    },
  )
}

/** Creates what finds the ordering keys of messages. */
export function createOrderingKeyOf(keys: OrderingKeys): OrderingKeyOf {
  return (ordering, event) => {
    if (ordering === 'none') return null
    if (ordering === 'fifo') return ''
    if (ordering.by === 'entity') return shortened(`${event.tenantId}:${event.entityName}:${event.entityId}`)
    if (ordering.by === 'tenant') return String(event.tenantId)
    // This version of the host no longer has the function. One key for all keeps every order.
    const keyOf = Object.hasOwn(keys, ordering.by) ? keys[ordering.by] : undefined
    return keyOf ? shortened(`=${keyFrom(keyOf, ordering.by, event)}`) : ''
  }
}

/** @throws WebhookSenderError `invalid_option` for what the host's function has thrown. */
function keyFrom(keyOf: OrderingKey, name: string, event: SyncEvent): string {
  try {
    const key: unknown = keyOf(event)
    if (typeof key === 'string') return key
    if (typeof key === 'number' || typeof key === 'bigint') return String(key)
    Promise.resolve(key).catch(() => {}) // nobody will wait for it
    throw new TypeError(`it has to give a text at once; got ${shown(key)}`)
  } catch (cause) {
    throw new WebhookSenderError(
      'invalid_option',
      `options.orderingKeys[${shown(name)}] has failed for ${event.id}: ${thrownMessage(cause)}`,
      { cause, field: 'orderingKeys' },
    )
  }
}

function shortened(key: string): string {
  return key.length <= MAX_KEY_LENGTH && isStorable(key)
    ? key
    : `#${createHash('sha256').update(key, 'utf16le').digest('base64')}`
}
