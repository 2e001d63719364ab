import { isEventType, shown } from '@x/events-core'
import { thrownMessage } from '@x/events-engine/internal'
import { WebhookSenderError } from '../errors.ts'
import { BUILT_IN_ENTITIES } from './built-in-event-types.ts'
import type { DefineEventType, EventType, EventTypeContent } from './event-type.ts'
import type { SchemaCheck, SchemaCompiler } from './json-schema.ts'

/** A type, and what its entities are checked with: by version, and `null` for all others. */
export interface CheckedEventType {
  readonly eventType: EventType
  readonly checks: ReadonlyMap<string | null, SchemaCheck>
}

const MAX_DESCRIPTION_LENGTH = 1_000

/**
 * Reads what a host says of a type.
 *
 * @throws WebhookSenderError `invalid_event_type`
 */
export function readEventType(
  input: DefineEventType,
  payloadVersions: readonly string[],
  compile: SchemaCompiler,
): CheckedEventType {
  const type = typeOf(input)
  const { description, deprecated = false, versions = {} } = input
  const isText = typeof description === 'string' && description.trim() !== ''
  if (!isText || description.length > MAX_DESCRIPTION_LENGTH) {
    const got = typeof description === 'string' ? `${description.length} of them` : shown(description)
    throw invalid(`description of ${type}`, `a text of 1 to ${MAX_DESCRIPTION_LENGTH} characters`, got)
  }
  if (typeof deprecated !== 'boolean')
    throw invalid(`deprecated of ${type}`, 'true or false', shown(deprecated))

  const checks = new Map<string | null, SchemaCheck>()
  const read = (content: EventTypeContent, version: string | null) => {
    const about = version === null ? type : `${type} in version ${version}`
    const copy = contentOf(content, about)
    const check = compileSchema(copy, about, compile)
    if (check) checks.set(version, check)
    return copy
  }
  const ofVersions = Object.entries(versions).map(([version, content]) => {
    if (!payloadVersions.includes(version)) {
      throw invalid(`versions of ${type}`, 'by names of options.payloadVersions', shown(version))
    }
    return [version, read(content, version)]
  })
  const eventType: EventType = {
    type,
    description,
    deprecated,
    builtIn: false,
    ...read(input, null),
    ...(ofVersions.length === 0 ? {} : { versions: Object.fromEntries(ofVersions) }),
  }
  return { eventType: deepFrozen(eventType), checks }
}

function typeOf({ type }: DefineEventType): string {
  if (typeof type !== 'string' || !isEventType(type)) {
    throw invalid('type', "an event type such as 'File.Download'", shown(type))
  }
  if (BUILT_IN_ENTITIES.some((entity) => type.startsWith(`${entity}.`))) {
    const others = `about another entity than ${BUILT_IN_ENTITIES.join(', ')}, which are the sender's own`
    throw invalid('type', others, shown(type))
  }
  return type
}

function contentOf({ schema, example }: EventTypeContent, about: string): EventTypeContent {
  return {
    ...(schema === undefined ? {} : { schema: jsonOf(`schema of ${about}`, schema) }),
    ...(example === undefined ? {} : { example: jsonOf(`example of ${about}`, example) }),
  }
}

/** Copies a value, without what JSON leaves out, so that its owner cannot change it later. */
function jsonOf<TValue>(field: string, value: TValue): TValue {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw invalid(field, 'JSON', thrownMessage(cause), cause)
  }
  if (text === undefined) throw invalid(field, 'JSON', `a ${typeof value}`)
  return JSON.parse(text) as TValue
}

function compileSchema(
  { schema, example }: EventTypeContent,
  about: string,
  compile: SchemaCompiler,
): SchemaCheck | undefined {
  if (schema === undefined) return undefined
  const must = 'a JSON Schema (2020-12) that refers to nothing outside of itself'
  if (
    typeof schema !== 'boolean' &&
    (typeof schema !== 'object' || schema === null || Array.isArray(schema))
  ) {
    throw invalid(`schema of ${about}`, must, shown(JSON.stringify(schema)))
  }
  const check = compiled(() => compile(schema), about, must)
  const misfits = example === undefined ? [] : check(example)
  if (misfits.length > 0)
    throw invalid(`example of ${about}`, 'what its schema describes', misfits.join('; '))
  return check
}

function compiled(compile: () => SchemaCheck, about: string, must: string): SchemaCheck {
  try {
    return compile()
  } catch (cause) {
    throw invalid(`schema of ${about}`, must, thrownMessage(cause), cause)
  }
}

function deepFrozen<TValue>(value: TValue): TValue {
  if (typeof value === 'object' && value !== null)
    for (const member of Object.values(value)) deepFrozen(member)
  return Object.freeze(value)
}

function invalid(what: string, must: string, got: string, cause?: unknown): WebhookSenderError {
  return new WebhookSenderError(
    'invalid_event_type',
    `eventTypes.define: the ${what} must be ${must}; got ${got}.`,
    {
      field: what.split(' ')[0],
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
