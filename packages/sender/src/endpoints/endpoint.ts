import type { EventTypePattern } from '@x/events-core'
import type { ContentFilter } from '../fan-out/content-filter.ts'
import type { PayloadFormat } from '../messages/message.ts'
import type { ClientCertificateInfo, ClientCertificateInput } from './client-certificate.ts'
import type { Ordering, OrderingInput } from './ordering.ts'

/** How an endpoint's messages are signed: with a shared secret, or with a key pair. */
export type SignatureKind = 'hmac' | 'ed25519'

/**
 * Whether the owner of an endpoint's URL has confirmed that it wants webhooks and holds the secret. Until then, nothing
 * is sent.
 */
export type Ownership = 'pending' | 'verified'

/**
 * Why an endpoint is disabled: by a person, since it responded with 410 Gone, since no attempt has succeeded for days,
 * or since its owner has not passed the challenge yet.
 */
export type DisabledReason = 'manual' | 'gone' | 'failing' | 'unverified'

/**
 * Bounds of the requests to an endpoint that may be in flight at once. The number adapts between them: it grows while
 * the endpoint responds fast, and is halved when it fails.
 */
export interface Concurrency {
  readonly min: number
  readonly max: number
}

/** At most `limit` requests in any `perSeconds` seconds. */
export interface RateLimit {
  /** 1 to 10000. */
  readonly limit: number
  /** 1 to 86400. */
  readonly perSeconds: number
}

/** A consumer's URL, with the events that it subscribes to. */
export interface Endpoint {
  /** `ep_` and a UUID. */
  readonly id: string
  readonly tenantId: number
  /** Only events of this site; absent where all sites of the tenant are wanted. */
  readonly siteId?: number
  /** Absent where its messages are only read (`createEventsApi`), and none is sent. */
  readonly url?: string
  /** Event types and patterns of them: `File.Download`, `File.*`, `*.Delete`, `*`. */
  readonly eventTypes: readonly string[]
  /** Which of them, by what they carry; absent for all. */
  readonly filter?: ContentFilter
  readonly description: string
  /** Sent with every request. May hold credentials, so show them only to those who may see them. */
  readonly headers: Readonly<Record<string, string>>
  /** The host's own notes; the sender does not read them. */
  readonly metadata: Readonly<Record<string, string>>
  readonly signature: SignatureKind
  /** How many requests may be in flight at once. */
  readonly concurrency: Concurrency
  readonly ordering: Ordering
  /** Absent where there is none. */
  readonly rateLimit?: RateLimit
  /** Seconds before each attempt; absent where the sender's own holds. */
  readonly retrySchedule?: readonly number[]
  /** How its messages are written. */
  readonly format: PayloadFormat
  /** The version that its payloads are rendered in; absent where it was created without one. */
  readonly payloadVersion?: string
  /** Whether its messages are numbered, without gaps. */
  readonly sequence: boolean
  /** The client certificate of requests (mutual TLS). Absent where there is none. */
  readonly clientCertificate?: ClientCertificateInfo
  /** Whether its owner has passed the challenge; absent where none is required. */
  readonly ownership?: Ownership
  readonly enabled: boolean
  /** Since when no attempt has succeeded; absent while they do. */
  readonly failingSince?: Date
  readonly disabledReason?: DisabledReason
  readonly disabledOn?: Date
  /** Rises with every change. */
  readonly version: number
  readonly createdOn: Date
  readonly updatedOn: Date
}

/** The fields of a new endpoint. */
export interface CreateEndpoint {
  readonly tenantId: number
  /** @defaultValue every site of the tenant */
  readonly siteId?: number | undefined
  /**
   * Where to POST to: `https:` or `http:`, at most 2048 characters as it is sent (percent-encoded), without credentials. `null`: nothing
   * is sent; its consumer reads the messages (`createEventsApi`), with a key (`endpoints.createKey`), and it has a `sequence`.
   */
  readonly url: string | null
  /**
   * 1 to 100 event types or patterns, of at most 5000 characters together.
   * @defaultValue ['*']
   */
  readonly eventTypes?: readonly EventTypePattern[] | undefined
  /**
   * Which events of these types it gets, by what messages carry: `{ 'data.entity.total': { $gt: 100 } }`. At most 4000
   * characters as JSON, 64 conditions and 8 levels. It is compared with the catalog's schemas.
   * @defaultValue all of them
   */
  readonly filter?: ContentFilter | undefined
  /** At most 1000 characters. */
  readonly description?: string | undefined
  /** At most 20 headers to send along, of at most 8192 characters together. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** At most 50 notes of the host's own. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** @defaultValue 'hmac' */
  readonly signature?: SignatureKind | undefined
  /**
   * Most requests in flight at once, 1 to 64, or both bounds. There are fewer while the endpoint fails.
   * @defaultValue { min: 1, max: 8 }
   */
  readonly concurrency?: number | Partial<Concurrency> | undefined
  /**
   * Which webhooks are delivered one after the other. It applies to events raised from then on.
   * @defaultValue 'none'
   */
  readonly ordering?: OrderingInput | undefined
  /** @defaultValue none */
  readonly rateLimit?: RateLimit | undefined
  /**
   * Seconds before each attempt, the first one included.
   * @defaultValue the sender's `retrySchedule`
   */
  readonly retrySchedule?: readonly number[] | undefined
  /**
   * How its messages are written.
   * @defaultValue 'standard'
   */
  readonly format?: PayloadFormat | undefined
  /**
   * One of the sender's `payloadVersions`. It stays as it is when there is a newer one, until it is changed.
   * @defaultValue the sender's `defaultPayloadVersion`
   */
  readonly payloadVersion?: string | undefined
  /**
   * Numbers its messages without gaps, and chains each to the one before by a hash, so that the consumer sees what is
   * missing. Its webhooks are stored before they are sent.
   * @defaultValue false; true where `url` is null
   */
  readonly sequence?: boolean | undefined
  /**
   * A certificate for consumers that want one: mutual TLS. Stored encrypted; its key is never shown.
   * @defaultValue none
   */
  readonly clientCertificate?: ClientCertificateInput | undefined
  /**
   * Sends nothing until the owner of the URL has passed a challenge, which takes the endpoint's secret. A
   * new URL has to be verified anew.
   * @defaultValue the sender's `verifyOwnership`; `false` does not undo that
   */
  readonly verifyOwnership?: boolean | undefined
  /**
   * A key to sign with instead of a new one: `whsec_...`, or `whsk_...` for ed25519.
   * @defaultValue a new one
   */
  readonly secret?: string | undefined
}

/** The fields of an endpoint that can be changed. Fields left out stay as they are. */
export interface UpdateEndpoint {
  /** `null`: every site of the tenant. */
  readonly siteId?: number | null | undefined
  /** One that has none may be given one: what is raised from then on is sent. It cannot be taken away (`null`). */
  readonly url?: string | null | undefined
  readonly eventTypes?: readonly EventTypePattern[] | undefined
  /** `null`: none. It applies to events raised from then on. */
  readonly filter?: ContentFilter | null | undefined
  readonly description?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly concurrency?: number | Partial<Concurrency> | undefined
  /** Pending deliveries keep the order that they were stored with. */
  readonly ordering?: OrderingInput | undefined
  /** `null`: none. */
  readonly rateLimit?: RateLimit | null | undefined
  /** `null`: the sender's. */
  readonly retrySchedule?: readonly number[] | null | undefined
  /** Applies, as the version does, to events raised from then on. */
  readonly format?: PayloadFormat | undefined
  /** `null`: the sender's `defaultPayloadVersion`. */
  readonly payloadVersion?: string | null | undefined
  /** Applies to events raised from then on. Switched on again, numbers go on where they ended. */
  readonly sequence?: boolean | undefined
  /** `null`: none. */
  readonly clientCertificate?: ClientCertificateInput | null | undefined
  /** The version that the change is meant for. It is refused where the endpoint has another one by now. */
  readonly version?: number | undefined
}

/** An endpoint, and the key that its owner verifies with. */
export interface EndpointWithSecret {
  readonly endpoint: Endpoint
  /** `whsec_...`; for ed25519, the public key `whpk_...`. */
  readonly secret: string
}

/** One of the keys that an endpoint's messages are signed with now. */
export interface EndpointSecret {
  /** `whsec_...`; for ed25519, the public key `whpk_...`. */
  readonly secret: string
  readonly createdOn: Date
  /** When it stops being used; absent for the current one. */
  readonly expiresOn?: Date
}

/** Narrows a call to one tenant: what belongs to another is not found. */
export interface TenantScope {
  readonly tenantId?: number | undefined
}

/** Says who makes a change, and narrows it to one tenant. */
export interface ActorScope extends TenantScope {
  /**
   * Who makes the change, for the audit log: a name, or an id of the host's. It is cut after 200 characters.
   * @defaultValue none is named
   */
  readonly actor?: string | undefined
}
