import type { Endpoint } from '../api-types.ts'
import { Problem } from '../http.ts'
import { type NamedValue, namedValuesOf, valuesByName } from '../parts/named-values.tsx'
import { t } from '../preferences.ts'
import { fieldOf } from '../problem-text.ts'

/** An endpoint as it is being typed: texts, where the API wants numbers. */
export interface EndpointDraft {
  /** Messages are read by their consumer, and not sent: there is no URL. */
  readonly isPull: boolean
  readonly url: string
  /** Whether messages are numbered. */
  readonly sequence: boolean
  readonly description: string
  readonly eventTypes: readonly string[]
  /** JSON; empty for none. */
  readonly filter: string
  /** What else decides which events the endpoint gets, and cannot be changed here. */
  readonly scope: Pick<Endpoint, 'siteId' | 'payloadVersion'>
  readonly headers: readonly NamedValue[]
  readonly metadata: readonly NamedValue[]
  readonly ordering: string
  readonly concurrency: string
  readonly rateLimit: string
  readonly ratePerSeconds: string
  /** Waits, as {@link readSchedule} reads them; empty for the usual ones. */
  readonly retrySchedule: string
  readonly format: Endpoint['format']
  readonly signature: 'hmac' | 'ed25519'
  readonly secret: string
  readonly verifyOwnership: boolean
  /** What is to become of the certificate that is there, if any. */
  readonly certificateChange: 'keep' | 'replace' | 'remove'
  /** PEM. */
  readonly certificate: string
  readonly certificateKey: string
  /** Of the key, if it is encrypted. */
  readonly certificatePassphrase: string
}

export const EMPTY_DRAFT: EndpointDraft = {
  isPull: false,
  url: '',
  sequence: false,
  description: '',
  eventTypes: ['*'],
  filter: '',
  scope: {},
  headers: [],
  metadata: [],
  ordering: 'none',
  concurrency: '8',
  rateLimit: '',
  ratePerSeconds: '1',
  retrySchedule: '',
  format: 'standard',
  signature: 'hmac',
  secret: '',
  verifyOwnership: false,
  certificateChange: 'keep',
  certificate: '',
  certificateKey: '',
  certificatePassphrase: '',
}

export const FORMATS = [
  'standard',
  'cloudevents-structured',
  'cloudevents-binary',
] as const satisfies readonly Endpoint['format'][]

const PLAIN_FIELDS = ['url', 'description', 'eventTypes', 'filter', 'headers']
export const ADVANCED_FIELDS = [
  'ordering',
  'concurrency',
  'rateLimit',
  'retrySchedule',
  'format',
  'secret',
  'clientCertificate',
  'certificateKey',
  'certificatePassphrase',
  'metadata',
]
const FIELDS = new Set([...PLAIN_FIELDS, ...ADVANCED_FIELDS])

/** What is there to be changed of an endpoint. */
export function draftOf(endpoint: Endpoint): EndpointDraft {
  const { url, description, eventTypes, headers, ordering, concurrency, rateLimit, signature, format } =
    endpoint
  const { filter, siteId, payloadVersion } = endpoint
  return {
    isPull: url === undefined,
    url: url ?? '',
    sequence: endpoint.sequence,
    description,
    eventTypes,
    filter: filter === undefined ? '' : JSON.stringify(filter, null, 2),
    scope: {
      ...(siteId === undefined ? {} : { siteId }),
      ...(payloadVersion === undefined ? {} : { payloadVersion }),
    },
    headers: namedValuesOf(headers),
    metadata: namedValuesOf(endpoint.metadata),
    ordering: typeof ordering === 'object' ? ordering.by : ordering,
    concurrency: String(concurrency.max),
    rateLimit: rateLimit ? String(rateLimit.limit) : '',
    ratePerSeconds: String(rateLimit?.perSeconds ?? 1),
    retrySchedule: endpoint.retrySchedule?.map(waitText).join(', ') ?? '',
    format,
    signature,
    secret: '',
    verifyOwnership: false,
    certificateChange: 'keep',
    certificate: '',
    certificateKey: '',
    certificatePassphrase: '',
  }
}

/** Both when an endpoint is made and when it is changed. */
function commonFields(draft: EndpointDraft, minConcurrency: number) {
  const { url, description, eventTypes, ordering, concurrency, format, isPull, sequence } = draft
  const max = Number(concurrency)
  return {
    url: isPull ? null : url.trim(),
    sequence: isPull || sequence,
    description,
    eventTypes,
    format,
    headers: valuesByName(draft.headers),
    metadata: valuesByName(draft.metadata),
    ordering: ordering === 'none' || ordering === 'fifo' ? ordering : { by: ordering },
    concurrency: { min: Math.min(minConcurrency, max), max },
    ...(isPull ? {} : certificateOf(draft)),
  }
}

/** Whether a private key in PEM has to be decrypted, as PKCS #8 or as OpenSSL wrote keys before. */
export function isEncryptedKey(pem: string): boolean {
  return /BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem)
}

function certificateOf(draft: EndpointDraft) {
  const { certificate, certificateKey, certificatePassphrase, certificateChange } = draft
  if (certificateChange === 'remove') return { clientCertificate: null }
  const isEmpty = certificate.trim() === '' && certificateKey.trim() === ''
  if (certificateChange === 'keep' && isEmpty) return {}
  const passphrase = isEncryptedKey(certificateKey) ? { passphrase: certificatePassphrase } : {}
  return { clientCertificate: { cert: certificate, key: certificateKey, ...passphrase } }
}

function rateOf({ rateLimit, ratePerSeconds }: EndpointDraft) {
  return { limit: Number(rateLimit), perSeconds: Number(ratePerSeconds) }
}

/** The body that makes an endpoint. */
export function creationOf(draft: EndpointDraft): object {
  const filter = filterOf(draft)
  return {
    ...commonFields(draft, 1),
    ...(filter === null ? {} : { filter }),
    ...(draft.rateLimit.trim() === '' ? {} : { rateLimit: rateOf(draft) }),
    ...(draft.retrySchedule.trim() === '' ? {} : { retrySchedule: scheduleOf(draft) }),
    signature: draft.signature,
    ...(draft.verifyOwnership && !draft.isPull ? { verifyOwnership: true } : {}),
    ...(draft.secret.trim() === '' ? {} : { secret: draft.secret.trim() }),
  }
}

/** The body that changes one, unless somebody else was quicker. */
export function changeOf(draft: EndpointDraft, { concurrency, version }: Endpoint): object {
  return {
    ...commonFields(draft, concurrency.min),
    filter: filterOf(draft),
    rateLimit: draft.rateLimit.trim() === '' ? null : rateOf(draft),
    retrySchedule: draft.retrySchedule.trim() === '' ? null : scheduleOf(draft),
    version,
  }
}

/** The body that tries one before it is saved; of an existing one, its changes. */
export function tryOf(draft: EndpointDraft, endpointId: string | undefined): object {
  const { signature, secret, format, scope } = draft
  const own = endpointId === undefined ? { signature } : { endpointId }
  return {
    ...own,
    ...scope,
    ...(secret.trim() === '' ? {} : { secret: secret.trim() }),
    url: draft.url.trim(),
    headers: valuesByName(draft.headers),
    format,
    ...certificateOf(draft),
  }
}

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
type Unit = keyof typeof UNITS

/** Waits such as "5s, 5m, 2h" in seconds; undefined where one of them is something else. */
export function readSchedule(text: string): readonly number[] | undefined {
  const waits = text.split(/[\s,;]+/).filter((wait) => wait !== '')
  const seconds = waits.map((wait) => {
    const [, number, unit = 's'] = /^(\d{1,8})([smhd]?)$/.exec(wait.toLowerCase()) ?? []
    return number === undefined ? Number.NaN : Number(number) * UNITS[(unit || 's') as Unit]
  })
  return seconds.some(Number.isNaN) ? undefined : seconds
}

/** A wait as {@link readSchedule} reads it. */
function waitText(seconds: number): string {
  const units = Object.entries(UNITS).toReversed()
  const [unit, length] = units.find(([, size]) => seconds >= size && seconds % size === 0) ?? ['s', 1]
  return `${seconds / length}${unit}`
}

/** @throws Problem */
function scheduleOf({ retrySchedule }: EndpointDraft): readonly number[] {
  const seconds = readSchedule(retrySchedule)
  if (!seconds) throw new Problem(0, 'invalid_endpoint', 'retrySchedule')
  return seconds
}

/**
 * The filter as the API wants it; null for none.
 *
 * @throws Problem
 */
export function filterOf({ filter }: EndpointDraft): unknown {
  if (filterProblem(filter) !== undefined) throw new Problem(0, 'invalid_json', 'filter')
  return filter.trim() === '' ? null : JSON.parse(filter)
}

/** What is wrong with a filter at first sight; whether its paths are known is for the server to say. */
export function filterProblem(text: string): string | undefined {
  if (text.trim() === '') return undefined
  try {
    JSON.parse(text)
    return undefined
  } catch {
    return t.problems.invalid_json
  }
}

const CERTIFICATE_FIELDS: Readonly<Record<string, string>> = {
  'clientCertificate.key': 'certificateKey',
  'clientCertificate.passphrase': 'certificatePassphrase',
}

/** The field of the form that a problem is about. */
export function formFieldOf(problem: Problem): string | undefined {
  return CERTIFICATE_FIELDS[problem.field ?? ''] ?? fieldOf(problem)
}

/** Whether the form shows problems of this field where it stands. */
export function isFormField(field: string): boolean {
  return FIELDS.has(field.split(/[.[]/)[0] ?? '')
}

/** Why an endpoint cannot be tried yet: its owner has to be asked first. */
export function untriedReason(
  draft: EndpointDraft,
  endpoint: Endpoint | undefined,
  isAlwaysVerified: boolean,
): 'save' | 'verify' | 'url' | undefined {
  if (!endpoint) return isAlwaysVerified || draft.verifyOwnership ? 'save' : undefined
  if (endpoint.ownership === undefined && !isAlwaysVerified) return undefined
  if (endpoint.url !== draft.url.trim()) return 'url'
  return endpoint.ownership === 'verified' ? undefined : 'verify'
}

/** Whether a problem is about the filter, or a place in it. */
export function isFilterField(field: string | undefined): boolean {
  return field !== undefined && /^filter(?:$|[.[])/.test(field)
}

/** What is wrong with a URL at first sight; what it leads to is for the server to say. */
export function urlProblem(text: string): string | undefined {
  const url = text.trim()
  if (url === '') return undefined
  const parsed = URL.parse(url)
  if (!parsed) return t.fieldProblems.url
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return t.form.urlScheme
  if (parsed.username !== '' || parsed.password !== '') {
    return t.form.urlCredentials
  }
  return undefined
}

/** Whether a URL is sent to in the clear, over a network. */
export function isInsecure(text: string): boolean {
  const url = URL.parse(text.trim())
  return url?.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
}

const COMPARED = [
  'url',
  'description',
  'eventTypes',
  'filter',
  'headers',
  'ordering',
  'concurrency',
  'rateLimit',
  'retrySchedule',
  'metadata',
  'format',
  'sequence',
  'clientCertificate',
  'enabled',
] as const satisfies readonly (keyof Endpoint)[]
export type ComparedField = (typeof COMPARED)[number]

/** What differs between two versions of an endpoint. */
export function differencesOf(one: Endpoint, other: Endpoint): ComparedField[] {
  return COMPARED.filter((field) => JSON.stringify(one[field]) !== JSON.stringify(other[field]))
}
