import { type Assertion, createAssertion, EventsError, type EventsErrorOptions, shown } from '@x/events-core'

/** The codes of {@link WebhookSenderError}. */
export type WebhookSenderErrorCode =
  | 'invalid_option'
  | 'invalid_argument'
  | 'invalid_endpoint'
  | 'invalid_url'
  | 'forbidden_address'
  | 'invalid_secret'
  | 'invalid_certificate'
  | 'invalid_filter'
  | 'invalid_event_type'
  | 'event_type_conflict'
  | 'too_many_endpoints'
  | 'too_many_tries'
  | 'endpoint_not_found'
  | 'endpoint_disabled'
  | 'no_url'
  | 'no_sequence'
  | 'too_many_keys'
  | 'too_many_secrets'
  | 'key_not_found'
  | 'messages_gone'
  | 'check_failed'
  | 'ownership_not_proved'
  | 'delivery_not_found'
  | 'event_not_found'
  | 'delivery_cancelled'
  | 'delivery_not_pending'
  | 'job_not_found'
  | 'version_conflict'
  | 'message_too_large'
  | 'render_failed'
  | 'invalid_payload'
  | 'wrong_encryption_key'
  | 'not_migrated'
  | 'not_running'

/** Options of {@link WebhookSenderError}. */
export interface WebhookSenderErrorOptions extends EventsErrorOptions {
  /** The field of the input that was wrong: what a form marks. */
  readonly field?: string | undefined
  /** What may have been meant, the likeliest first. */
  readonly suggestions?: readonly string[] | undefined
  /** What only the host's author can do about it. It ends the message, and is left out of `detail`. */
  readonly remedy?: string | undefined
}

/** The error of everything in this package. What throws it has written nothing. */
export class WebhookSenderError extends EventsError<WebhookSenderErrorCode> {
  static override readonly errorName: string = 'WebhookSenderError'

  /** The field of the input that was wrong, such as `url` or `headers.authorization`. */
  readonly field: string | undefined
  /** What may have been meant instead of a name that is not known, the likeliest first; undefined where it was no such name. */
  readonly suggestions: readonly string[] | undefined
  /** The message for users of the host, such as tenants: without the remedy, which only the host's author can apply. */
  readonly detail: string

  constructor(code: WebhookSenderErrorCode, detail: string, options: WebhookSenderErrorOptions = {}) {
    super(code, options.remedy === undefined ? detail : `${detail} ${options.remedy}`, options)
    this.field = options.field
    this.suggestions = options.suggestions
    this.detail = detail
  }
}

/** Messages that retention has deleted. */
export class MessagesGoneError extends WebhookSenderError {
  static override readonly errorName = 'MessagesGoneError'

  /** The number of the oldest message that is left; where none is, the next one. */
  readonly first: number

  constructor(after: number, first: number) {
    super(
      'messages_gone',
      `The messages from ${after + 1} to ${first - 1} are deleted, since they are older than messages are kept; go on after ${first - 1}.`,
    )
    this.first = first
  }
}

/** Creates the assertions about the options of a call: they throw `invalid_option`. */
export function createOptionAssertion(call: string): Assertion {
  return createAssertion((field, expected, got) => {
    const name = field === '' ? 'options' : `options.${field}`
    return new WebhookSenderError('invalid_option', `${call}: ${name} must be ${expected}; got ${got}.`, {
      field,
    })
  })
}

/** Throws `invalid_option` unless an option of `createWebhookSender` is what it must be. */
export const assertOption: Assertion = createOptionAssertion('createWebhookSender')

/** Throws `invalid_argument` unless an argument of a call is what it must be. */
export const assertArgument: Assertion = createAssertion(
  (field, expected, got) =>
    new WebhookSenderError('invalid_argument', `${field || 'options'} must be ${expected}; got ${got}.`, {
      field,
    }),
)

/** Throws `invalid_endpoint` unless a field of an endpoint is what it must be. */
export const assertEndpoint: Assertion = createAssertion((field, expected, got) =>
  invalidEndpoint(field, `must be ${expected}`, got),
)

/** The error for a field of an endpoint that breaks a rule. */
export function invalidEndpoint(field: string, rule: string, got: string): WebhookSenderError {
  const name = field === '' ? 'The endpoint' : `The endpoint's ${field}`
  return new WebhookSenderError('invalid_endpoint', `${name} ${rule}; got ${got}.`, { field })
}

/** The error for an endpoint id that does not exist, or belongs to another tenant. */
export function endpointNotFound(id: unknown): WebhookSenderError {
  return new WebhookSenderError('endpoint_not_found', `There is no endpoint ${shown(id)}.`, {
    remedy: 'endpoints.list() shows all.',
  })
}

/** The error for sending something to a disabled endpoint. */
export function endpointDisabled(id: string): WebhookSenderError {
  return new WebhookSenderError('endpoint_disabled', `The endpoint ${id} is disabled; enable it first.`, {
    remedy: 'endpoints.enable() does.',
  })
}

/** The error for sending something to an endpoint whose messages are only read. */
export function noUrl(id: string): WebhookSenderError {
  return new WebhookSenderError(
    'no_url',
    `The endpoint ${id} has no url, so that nothing is sent to it; its messages are there to be read.`,
    { field: 'url' },
  )
}

/** The error for a tenant that has used up its endpoints. */
export function tooManyEndpoints(tenantId: number, limit: number): WebhookSenderError {
  return new WebhookSenderError(
    'too_many_endpoints',
    `Tenant ${tenantId} has ${limit} endpoints already, as many as it may; delete one that it does not need.`,
    { remedy: 'options.maxEndpointsPerTenant raises the limit.' },
  )
}

/** The error for a change that was meant for another version. */
export function versionConflict(id: string, wanted: unknown, current: number): WebhookSenderError {
  return new WebhookSenderError(
    'version_conflict',
    `The endpoint ${shown(id)} is at version ${current}, and the change was meant for ${shown(wanted)}; read it again and decide anew.`,
    { field: 'version' },
  )
}

/** The error for an endpoint whose owner has not passed the challenge. */
export function ownershipNotProved(endpointId: string, problem: string): WebhookSenderError {
  return new WebhookSenderError(
    'ownership_not_proved',
    `The endpoint ${endpointId} gets nothing until its owner has answered a challenge: ${problem} Let its receiver use the endpoint's secret, then verify the endpoint.`,
    { remedy: 'endpoints.verify() asks again.' },
  )
}

/** The error for secrets that were stored under another key. */
export function wrongEncryptionKey(owner: string, options: { cause?: unknown } = {}): WebhookSenderError {
  return new WebhookSenderError(
    'wrong_encryption_key',
    `The secrets of ${owner} were encrypted with another key than options.encryptionKey; start with the key that they were stored under, or give it in options.previousEncryptionKeys.`,
    options,
  )
}
