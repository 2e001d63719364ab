import { WebhookVerificationError } from '@x/signature'
import { ReceiverError } from './errors.ts'
import type { WebhookEvent } from './event-patterns.ts'
import { isPromise } from './is-promise.ts'
import { pathOf, type StandardIssue, type StandardResult, type StandardSchema } from './standard-schema.ts'

/** Gives an event whose data is what its schema made of it. */
export type ValidateData = (event: WebhookEvent) => WebhookEvent | Promise<WebhookEvent>

const MAX_SHOWN_PATHS = 5

function mismatch(event: WebhookEvent, issues: readonly StandardIssue[]): WebhookVerificationError {
  const paths = [...new Set(issues.map(pathOf))].slice(0, MAX_SHOWN_PATHS).join(', ')
  // Where, for the sender to see; what the schema says of it may contain the consumer's own words.
  return new WebhookVerificationError(
    'invalid_payload',
    `The data of ${event.type} does not have the shape that is expected here: see ${paths}.`,
    { cause: [...issues] },
  )
}

function outcome(event: WebhookEvent, result: StandardResult<unknown>): WebhookEvent {
  if (result.issues) throw mismatch(event, result.issues)
  return Object.assign(event, { data: result.value })
}

function schemaFailed(type: string, cause: unknown): ReceiverError {
  return new ReceiverError('schema_failed', `The schema of ${type} threw an error.`, { cause })
}

/** Builds the check of events against the schemas of their types; those without one pass as they are. */
export function createValidateData(schemas: Readonly<Record<string, StandardSchema>>): ValidateData {
  const byType = new Map(Object.entries(schemas))
  if (byType.size === 0) return (event) => event
  return (event) => {
    const schema = byType.get(event.type)
    if (!schema) return event
    let result: StandardResult<unknown> | Promise<StandardResult<unknown>>
    try {
      result = schema['~standard'].validate(event.data)
    } catch (error) {
      throw schemaFailed(event.type, error)
    }
    if (!isPromise(result)) return outcome(event, result)
    return result.then(
      (later) => outcome(event, later),
      (error: unknown) => {
        throw schemaFailed(event.type, error)
      },
    )
  }
}
