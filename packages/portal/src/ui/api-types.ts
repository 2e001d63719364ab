import type {
  AlertSettings,
  AlertTarget,
  DeliveryCount,
  AlertTest as SenderAlertTest,
  DeliveryAttempt as SenderAttempt,
  AuditEntry as SenderAuditEntry,
  Delivery as SenderDelivery,
  DeliveryDetails as SenderDetails,
  Endpoint as SenderEndpoint,
  EndpointHealth as SenderEndpointHealth,
  EndpointSummary as SenderEndpointSummary,
  EventDetails as SenderEventDetails,
  EventType as SenderEventType,
  EndpointApiKey as SenderKey,
  NewEndpointApiKey as SenderNewKey,
  RaisedEvent as SenderRaisedEvent,
  EndpointSecret as SenderSecret,
  Statistics as SenderStatistics,
  TestedEvent as SenderTestedEvent,
  TriedEndpoint as SenderTriedEndpoint,
  WebhookJob,
} from '@x/sender'

/** What becomes of a value on its way through JSON. */
export type Json<TValue> = TValue extends Date
  ? string
  : TValue extends readonly (infer TItem)[]
    ? readonly Json<TItem>[]
    : TValue extends object
      ? { readonly [TKey in keyof TValue]: Json<TValue[TKey]> }
      : TValue

export type Endpoint = Json<SenderEndpoint>
/** `GET api/endpoints/:id/secrets`. */
export interface EndpointSecrets {
  readonly items: readonly EndpointSecret[]
  /** Where receivers find the public keys; null where nobody publishes them, or the endpoint has none. */
  readonly keysUrl: string | null
}
/** How an endpoint does: `GET api/endpoints/:id/health`. */
export type EndpointHealth = Json<SenderEndpointHealth>
/** How an endpoint does, with its last 24 hours. */
export type EndpointSummary = Json<SenderEndpointSummary>
/** An endpoint of `GET api/endpoints`. */
export type ListedEndpoint = Endpoint & {
  /** With `withSummary=true`. */
  readonly summary?: EndpointSummary
}
export type Delivery = Json<SenderDelivery>
export type DeliveryAttempt = Json<SenderAttempt>
export type DeliveryDetails = Json<SenderDetails>
/** An event that the application has raised. */
export type RaisedEvent = Json<SenderRaisedEvent>
/** An event, and what came of it at each endpoint: `GET api/raised-events/:id`. */
export type EventDetails = Json<SenderEventDetails>
/** What came of an event at one endpoint. */
export type EventOutcome = EventDetails['endpoints'][number]
/** Why an endpoint has got no delivery of an event. */
export type NoDeliveryReason = NonNullable<EventOutcome['reason']>
export type EndpointSecret = Json<SenderSecret>
export type EndpointKey = Json<SenderKey>
export type NewEndpointKey = Json<SenderNewKey>
export type EventType = SenderEventType
export type Statistics = Json<SenderStatistics>
/** An event that a filter was tried on; what it carries stays on the server. */
export type TestedEvent = Json<Omit<SenderTestedEvent, 'message'>>
export type Job = Json<WebhookJob>
/** Whom to tell; an e-mail has an address, a chat a URL. */
interface ShownAlertTarget {
  readonly kind: AlertTarget['kind']
  readonly address?: string
  readonly url?: string
}
/** What the tenant is notified of, and who is: `GET api/alerts`. */
export interface Alerts extends Omit<AlertSettings, 'to'> {
  readonly to: readonly ShownAlertTarget[]
  readonly targetKinds: readonly AlertTarget['kind'][]
}
/** What became of a test of one target: `POST api/alerts/test`. */
export interface AlertTest extends Omit<SenderAlertTest, 'target'> {
  readonly target: ShownAlertTarget
}
/** What came of a try: `POST api/endpoints/try`. */
export type TriedEndpoint = Json<SenderTriedEndpoint>
/** Who has changed what: `GET api/audit-log`. */
export type AuditEntry = Json<SenderAuditEntry>

/** What may be a slip in an endpoint that was stored all the same. */
export interface EndpointWarning {
  readonly code: 'all_event_types' | 'duplicate_url' | 'unresolved_host'
  readonly field: 'eventTypes' | 'url'
  readonly detail: string
}

/** One page of a list. */
export interface Page<TItem> {
  readonly items: readonly TItem[]
  readonly next: string | null
}

export type { DeliveryCount }

/** One page of a search, which may have ended before the page was full: `next` goes on from there. */
export interface SearchPage<TItem> extends Page<TItem> {
  /** How far back it has looked; null where the page is full, or there is no more. */
  readonly searchedBackTo: string | null
}

/** Who looks at the page. */
export interface Session {
  readonly user: {
    readonly tenantId: number
    readonly role: 'viewer' | 'manager'
    readonly operator: boolean
    readonly name: string | null
  } | null
  /** How to sign in here; null where the host sees to it. */
  readonly signIn: { readonly label: string } | null
  readonly canSignOut: boolean
  /** The session that a link has opened; null where something else tells who asks. */
  readonly link: {
    readonly expiresOn: string
    /** Until then, by the clock of the server. */
    readonly remainingSeconds: number
    /** Where the portal leads back to. */
    readonly returnUrl: string | null
  } | null
  readonly appearance: Appearance
  /** Whether nothing is sent to any endpoint until its owner has passed a challenge. */
  readonly verifiesOwnership: boolean
}

/** Shades of the host's accent for one color scheme. */
export interface AccentShades {
  readonly accent: string
  /** What is readable on it. */
  readonly text: string
  /** Behind what is selected. */
  readonly soft: string
}

/** How the host wants the pages to look. */
export interface Appearance {
  readonly name: string | null
  /** A URL of an image. */
  readonly logo: string | null
  readonly colorScheme: 'auto' | 'light' | 'dark'
  /** Null for the portal's own. */
  readonly accent: { readonly light: AccentShades; readonly dark: AccentShades } | null
  /** Null for the browser's. */
  readonly locale: 'en' | 'de' | null
}

/** A session that a link has opened. */
export interface OpenedLink {
  /** To be sent as `Authorization: PortalSession <token>`, where cookies do not work. */
  readonly token: string
  readonly expiresOn: string
}

/** A durable subscription of the host. */
export interface Subscription {
  readonly name: string
  readonly state: 'active' | 'paused' | 'blocked'
  readonly leasedBy?: string
  readonly failedAttempts: number
  readonly lastError?: string
  readonly parked: number
  readonly lagEvents: number
  readonly lagCapped: boolean
  readonly lagSeconds: number
}

/** A subscription with its parked events. */
export interface SubscriptionDetails extends Subscription {
  readonly parkedEvents: readonly ParkedEvent[]
}

/** A parked event. */
export interface ParkedEvent {
  readonly event: {
    readonly id: string
    readonly tenantId: number
    readonly siteId: number
    readonly entityName: string
    readonly entityId: number | string
    readonly action: string
    readonly modifiedOn: string
    readonly data?: unknown
  }
  readonly attempts: number
  readonly error: string
  readonly parkedOn: string
}
