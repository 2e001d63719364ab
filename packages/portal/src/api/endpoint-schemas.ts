import type { CreateEndpoint, TestFilter, UpdateEndpoint } from '@x/sender'
import {
  anything,
  choice,
  count,
  either,
  flag,
  integer,
  list,
  named,
  nullable,
  number,
  object,
  optional,
  type Properties,
  record,
  text,
  time,
  whole,
} from '../describe/schema.ts'
import type {
  Endpoint,
  EndpointHealth,
  EndpointKey,
  EndpointSecret,
  EndpointSummary,
  EndpointWarning,
  Json,
  ListedEndpoint,
  NewEndpointKey,
  TestedEvent,
  TriedEndpoint,
} from '../ui/api-types.ts'
import { attempt } from './delivery-schemas.ts'
import { disabledReason, endpointFailures, pauseCause } from './reason-schemas.ts'

type Concurrency = Endpoint['concurrency']
type RateLimit = NonNullable<Endpoint['rateLimit']>
type Creation = Json<Omit<CreateEndpoint, 'tenantId'>>
type Changes = Json<UpdateEndpoint>

const siteId = integer('Only events of this site; without it, of all.')
const eventTypes = list(text(), 'Event types and patterns: `File.Download`, `File.*`, `*.Delete`, `*`.')
const headers = record(text(), 'Sent with every request; `***` instead of each value for viewers.')
const metadata = record(text(), "Notes of the application's own.")
const format = choice(
  ['standard', 'cloudevents-structured', 'cloudevents-binary'],
  'How messages are written.',
)
const retrySchedule = list(count(), "Seconds before each attempt; without it, the application's own holds.")
const rateLimit = object<RateLimit>(
  { limit: whole(1, 10_000), perSeconds: whole(1, 86_400) },
  'At most `limit` requests in any `perSeconds` seconds.',
)
const concurrency = object<Concurrency>(
  { min: whole(1, 64), max: whole(1, 64) },
  'Bounds of the requests that may be in flight at once.',
)
const givenConcurrency = anything<NonNullable<Creation['concurrency']>>(
  'Most requests in flight at once, or both bounds.',
  {
    anyOf: [
      { type: 'integer', minimum: 1, maximum: 64 },
      { type: 'object', properties: { min: whole(1, 64).json, max: whole(1, 64).json } },
    ],
  },
)
const orderingForms = {
  anyOf: [
    { type: 'string', enum: ['none', 'fifo'] },
    { type: 'object', required: ['by'], properties: { by: { type: 'string' } } },
  ],
}
const ORDERING = 'Which webhooks are delivered one after the other: none, all (`fifo`), or those of a key.'
/** Of several types, that of the place where it is used. */
const ordering = <TOrdering>() => anything<TOrdering>(ORDERING, orderingForms)
const filter = <TFilter>() =>
  anything<TFilter>('Which of these events, by what they carry: conditions by path.', { type: 'object' })
const clientCertificate = <TCertificate>() =>
  anything<TCertificate>('A client certificate for mutual TLS, in PEM; its key is never shown.', {
    type: 'object',
    required: ['cert', 'key'],
    properties: { cert: { type: 'string' }, key: { type: 'string' }, passphrase: { type: 'string' } },
  })

const properties: Properties<Endpoint> = {
  id: text(undefined, { examples: ['ep_01a21758-1613-75b5-8a3e-2f4d6c8b0e1f'] }),
  tenantId: integer(),
  siteId: optional(siteId),
  url: optional(text('Where webhooks are sent; absent where they are only read.')),
  eventTypes,
  filter: optional(filter()),
  description: text(),
  headers,
  metadata,
  signature: choice(['hmac', 'ed25519']),
  concurrency,
  ordering: ordering(),
  rateLimit: optional(rateLimit),
  retrySchedule: optional(retrySchedule),
  format,
  payloadVersion: optional(text()),
  sequence: flag('Whether messages are numbered, without gaps.'),
  clientCertificate: optional(
    object({ subject: text(), fingerprint: text('SHA-256 of the certificate.'), expiresOn: time() }),
  ),
  ownership: optional(choice(['pending', 'verified'], 'Absent where none has to be proved.')),
  enabled: flag(),
  failingSince: optional(time('Since when no attempt has succeeded; absent while they do.')),
  disabledReason: optional(disabledReason),
  disabledOn: optional(time()),
  version: count('Rises with every change.'),
  createdOn: time(),
  updatedOn: time(),
}

/** An endpoint as it is shown. */
export const endpoint = named(
  'Endpoint',
  object<Endpoint>(properties, "A consumer's URL, with the events that it subscribes to."),
)

/** What can be said of a new endpoint. */
export const creationFields: Properties<Creation> = {
  siteId: optional(siteId),
  url: nullable(text('Where to POST to, at most 2048 characters. `null`: webhooks are only read.')),
  eventTypes: optional(eventTypes),
  filter: optional(filter()),
  description: optional(text('At most 1000 characters.')),
  headers: optional(headers),
  metadata: optional(metadata),
  signature: optional(choice(['hmac', 'ed25519'])),
  concurrency: optional(givenConcurrency),
  ordering: optional(ordering()),
  rateLimit: optional(rateLimit),
  retrySchedule: optional(retrySchedule),
  format: optional(format),
  payloadVersion: optional(text()),
  sequence: optional(flag('Numbers messages without gaps.')),
  clientCertificate: optional(clientCertificate()),
  verifyOwnership: optional(flag('Sends nothing until the owner of the URL has passed a challenge.')),
  secret: optional(text('A key to sign with instead of a new one: `whsec_...`, or `whsk_...` for ed25519.')),
}

/** What can be changed of an endpoint. */
export const changeFields: Properties<Changes> = {
  siteId: optional(nullable(siteId)),
  url: optional(nullable(text())),
  eventTypes: optional(eventTypes),
  filter: optional(nullable(filter())),
  description: optional(text()),
  headers: optional(headers),
  metadata: optional(metadata),
  concurrency: optional(givenConcurrency),
  ordering: optional(ordering()),
  rateLimit: optional(nullable(rateLimit)),
  retrySchedule: optional(nullable(retrySchedule)),
  format: optional(format),
  payloadVersion: optional(nullable(text())),
  sequence: optional(flag()),
  clientCertificate: optional(nullable(clientCertificate())),
  version: optional(count('The version that the change is meant for; 409 where there is another by now.')),
}

/** What may be a slip in what was stored. */
const warnings = list(
  named(
    'EndpointWarning',
    object<EndpointWarning>({
      code: choice(['all_event_types', 'duplicate_url', 'unresolved_host']),
      field: choice(['eventTypes', 'url']),
      detail: text(),
    }),
  ),
  'What may be a slip in what was stored.',
)

const secretText = text('`whsec_...`; for ed25519, the public key `whpk_...`.')

/** An endpoint with the secret to verify with. */
export const endpointWithSecret = object<{ endpoint: Endpoint; secret: string }>({
  endpoint,
  secret: secretText,
})

/** The same of a new one. */
export const createdEndpoint = object<{
  endpoint: Endpoint
  secret: string
  warnings: readonly EndpointWarning[]
}>({ endpoint, secret: secretText, warnings })

/** An endpoint after a change. */
export const changedEndpoint = object<Endpoint & { readonly warnings: readonly EndpointWarning[] }>({
  ...properties,
  warnings,
})

/** One of the secrets that messages are signed with. */
export const endpointSecret = named(
  'EndpointSecret',
  object<EndpointSecret>({
    secret: secretText,
    createdOn: time(),
    expiresOn: optional(time('When it stops being used; absent for the current one.')),
  }),
)

const keyProperties: Properties<EndpointKey> = {
  id: text(),
  prefix: text('What the key begins with.'),
  createdOn: time(),
  lastUsedOn: optional(time('To the minute; absent while it was never used.')),
  expiresOn: optional(time('When it ends; absent for one that does not.')),
}

/** A key of the events API. */
export const endpointKey = named('EndpointKey', object<EndpointKey>(keyProperties))

/** A new key, with its text. */
export const newEndpointKey = named(
  'NewEndpointKey',
  object<NewEndpointKey>({ ...keyProperties, key: text('The key itself, shown this once.') }),
)

/** What is said of a filter that is tried. */
export const filterFields: Properties<Json<Omit<TestFilter, 'tenantId' | 'limit'>>> = {
  filter: filter(),
  eventTypes: optional(eventTypes),
  siteId: optional(nullable(siteId)),
  payloadVersion: optional(nullable(text())),
}

/** Which events a filter matches. */
export const testedEvents = object<{ items: readonly TestedEvent[] }>({
  items: list(
    object<TestedEvent>({
      id: text(),
      eventType: text(),
      modifiedOn: time(),
      entityName: text(),
      entityId: either(number(), text()),
      matches: flag(),
      failure: optional(choice(['no_message', 'too_costly'], 'Why nothing can match.')),
    }),
  ),
})

/** How an endpoint does, in a word. */
export const endpointState = choice(
  ['healthy', 'failing', 'paused', 'disabled'],
  '`failing`: its latest attempt has failed. `paused`: it gets no attempt for a while, since it fails.',
)

/** How an endpoint does. */
export const endpointHealth = named(
  'EndpointHealth',
  object<EndpointHealth>({
    endpointId: text(),
    state: endpointState,
    failingSince: optional(time('Since when no attempt has succeeded; absent while they do.')),
    disablesOn: optional(time('When it will be disabled if nothing succeeds until then.')),
    failures: endpointFailures('The newest five failures at most, the oldest first.'),
    pause: optional(
      object<NonNullable<EndpointHealth['pause']>>({
        until: time(),
        cause: pauseCause,
        failures: endpointFailures('The failures in a row that have led to it, the oldest first.'),
      }),
    ),
    disabledOn: optional(time()),
    disabledReason: optional(disabledReason),
    waiting: count('How many deliveries are pending; at most 1,000 are counted.'),
    waitingCapped: flag('Whether there are more than `waiting`.'),
    oldestWaitingOn: optional(time('When the oldest of those counted was created.')),
    nextAttemptOn: optional(time('When the next attempt is due, now or later.')),
  }),
)

/** An endpoint in a list. */
export const listedEndpoint = object<ListedEndpoint>({
  ...properties,
  summary: optional(
    named(
      'EndpointSummary',
      object<EndpointSummary>({
        health: endpointHealth,
        lastDay: object<EndpointSummary['lastDay']>(
          {
            succeeded: count(),
            failed: count(),
            hours: list(
              object<EndpointSummary['lastDay']['hours'][number]>({
                from: time(),
                succeeded: count(),
                failed: count(),
              }),
              '24 of them, without gaps.',
            ),
          },
          'Attempts of the last 24 hours, up to now.',
        ),
      }),
    ),
  ),
})

/** What a test is about. */
export const testedType = optional(
  text('A type of the catalog, with its example; `Webhook.Test` by default.', {
    examples: ['Invoice.Create'],
  }),
)

/** What can be tried before it is saved. */
export const tryFields = {
  endpointId: optional(text('The endpoint that the other fields are changes of: it signs as this one does.')),
  siteId: changeFields.siteId,
  url: optional(text('Where to POST to.')),
  headers: optional(headers),
  signature: creationFields.signature,
  secret: optional(text('A key to sign with; without it, and without `endpointId`, one that nobody knows.')),
  format: optional(format),
  payloadVersion: optional(text()),
  clientCertificate: changeFields.clientCertificate,
  eventType: testedType,
} as const

/** What came of a try. */
export const triedEndpoint = object<TriedEndpoint>({
  succeeded: flag('Whether the response was 2xx.'),
  eventType: text(),
  body: text('What was sent.'),
  attempt,
})
