/** How an endpoint's messages are signed: with a shared secret, or with a key pair. */
export type SignatureKind = 'hmac' | 'ed25519'

/** Why an endpoint receives nothing: a person has disabled it, or it has answered 410 Gone. */
export type DisabledReason = 'manual' | 'gone'

/** A consumer's URL and what it wants to hear of. */
export interface Endpoint {
  /** `ep_` and a UUID. */
  readonly id: string
  readonly tenantId: number
  /** Only events of this site; absent where all sites of the tenant are wanted. */
  readonly siteId?: number
  readonly url: string
  /** Event types and patterns of them: `File.Download`, `File.*`, `*.Delete`, `*`. */
  readonly eventTypes: readonly string[]
  readonly description: string
  /** Sent along with every request. May hold credentials: not for everybody's eyes. */
  readonly headers: Readonly<Record<string, string>>
  /** The host's own notes; nothing here reads them. */
  readonly metadata: Readonly<Record<string, string>>
  readonly signature: SignatureKind
  /** Most requests under way at once. */
  readonly concurrency: number
  readonly enabled: boolean
  readonly disabledReason?: DisabledReason
  readonly disabledOn?: Date
  /** Rises with every change. */
  readonly version: number
  readonly createdOn: Date
  readonly updatedOn: Date
}

/** What an endpoint is made of. */
export interface CreateEndpoint {
  readonly tenantId: number
  /** @defaultValue every site of the tenant */
  readonly siteId?: number | undefined
  /** Where to POST to: `https:` or `http:`, at most 2048 characters, without credentials. */
  readonly url: string
  /** @defaultValue ['*'] */
  readonly eventTypes?: readonly string[] | undefined
  /** At most 1000 characters. */
  readonly description?: string | undefined
  /** At most 20 headers to send along. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** At most 50 notes of the host's own. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** @defaultValue 'hmac' */
  readonly signature?: SignatureKind | undefined
  /**
   * Most requests under way at once, 1 to 64.
   * @defaultValue 8
   */
  readonly concurrency?: number | undefined
  /**
   * A key to sign with instead of a new one: `whsec_...`, or `whsk_...` for ed25519.
   * @defaultValue a new one
   */
  readonly secret?: string | undefined
}

/** What can be changed of an endpoint; what is left out stays as it is. */
export interface UpdateEndpoint {
  /** `null`: every site of the tenant. */
  readonly siteId?: number | null | undefined
  readonly url?: string | undefined
  readonly eventTypes?: readonly string[] | undefined
  readonly description?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly concurrency?: number | undefined
  /** The version that the change is meant for; when somebody was quicker, it is refused. */
  readonly version?: number | undefined
}

/** An endpoint, and what its owner verifies with. */
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
