// First, since it says so where Node.js is too old, before a dependency fails for it.
import '@x/events-engine'

export type { EventEngineErrorCode } from '@x/events-engine'
export type {
  AlertKind,
  AlertLocale,
  AlertSettings,
  AlertTarget,
  UpdateAlerts,
} from './alerts/alert-settings.ts'
export type { Alerts, AlertTest, TestAlerts } from './alerts/alerts.ts'
export type { AlertErrorCode, AlertMail, AlertOptions, SentAlert } from './alerts/send-alert.ts'
export type { AuditAction, AuditDetails, AuditEntry } from './audit/audit-entry.ts'
export type { AuditLog, ListAuditLog } from './audit/audit-log.ts'
export type { JobKind, JobOptions, JobState, ListJobs, ReplayScope, WebhookJob } from './bulk/job.ts'
export type { Jobs } from './bulk/jobs.ts'
export type { CircuitOptions, FailingAfter, FailingPercent } from './deliver/circuit-breaker.ts'
export type { AttemptErrorCode } from './deliveries/attempt-error-code.ts'
export type {
  CancelDeliveries,
  Deliveries,
  RecoverDeliveries,
  ReplayDeliveries,
} from './deliveries/deliveries.ts'
export type {
  AttemptConnection,
  AttemptRequest,
  AttemptResponse,
  AttemptTimings,
  Delivery,
  DeliveryAttempt,
  DeliveryCount,
  DeliveryDetails,
  DeliveryFilter,
  DeliveryPage,
  DeliveryState,
  ListAttempts,
  ListDeliveries,
  SearchDeliveries,
  ShowDelivery,
  StatusFilter,
} from './deliveries/delivery.ts'
export type {
  DeliveriesAhead,
  DeliveryReason,
  DoneBy,
  FinalReason,
  PendingReason,
  ResendEffect,
} from './deliveries/delivery-reason.ts'
export type { EndpointApiKey, NewEndpointApiKey, RotateKey } from './endpoints/api-keys.ts'
export type { ClientCertificateInfo, ClientCertificateInput } from './endpoints/client-certificate.ts'
export type {
  ActorScope,
  Concurrency,
  CreateEndpoint,
  DisabledReason,
  Endpoint,
  EndpointSecret,
  EndpointWithSecret,
  Ownership,
  RateLimit,
  SignatureKind,
  TenantScope,
  UpdateEndpoint,
} from './endpoints/endpoint.ts'
export type {
  EndpointFailure,
  EndpointHealth,
  EndpointHealthState,
  EndpointPause,
  PauseCause,
} from './endpoints/endpoint-health.ts'
export type {
  EndpointStatisticsQuery,
  Endpoints,
  RotateSecret,
} from './endpoints/endpoints.ts'
export { ENDPOINT_INPUTS } from './endpoints/fields.ts'
export { createKeysHandler, type KeysHandler, type KeysHandlerOptions } from './endpoints/keys-handler.ts'
export type {
  EndpointLists,
  EndpointSummary,
  HourlyAttempts,
  ListEndpoints,
} from './endpoints/list-endpoints.ts'
export type { Ordering, OrderingInput, OrderingKey, OrderingKeys } from './endpoints/ordering.ts'
export type { TriedEndpoint, TryOutEndpoint } from './endpoints/try-out.ts'
export {
  MessagesGoneError,
  WebhookSenderError,
  type WebhookSenderErrorCode,
  type WebhookSenderErrorOptions,
} from './errors.ts'
export type { DefineEventType, EventType, EventTypeContent, JsonSchema } from './event-types/event-type.ts'
export type { EventTypes, ListEventTypes } from './event-types/event-types.ts'
export type { OpenApiDocument, OpenApiOptions } from './event-types/open-api.ts'
export { createEventsApi, type EventsApi, type EventsApiOptions } from './events-api/events-api.ts'
export type {
  ContentFilter,
  ElementFilter,
  FilterCondition,
  FilterOperators,
} from './fan-out/content-filter.ts'
export type { FilterValue } from './fan-out/filter-tests.ts'
export type { TestedEvent, TestFilter } from './fan-out/filter-trial.ts'
export type { NetworkOptions } from './http/options.ts'
export type { ProxyOptions } from './http/proxy.ts'
export type { PurgedTenant } from './maintenance/tenant-purge.ts'
export type { PayloadFormat } from './messages/message.ts'
export type { Messages, PulledMessage, PulledMessages, PullMessages } from './messages/messages.ts'
export type { Render, RenderContext, RenderOption } from './messages/render.ts'
export type { Validation } from './messages/validation.ts'
export type { SenderStats } from './observability/sender-stats.ts'
export type { WebhookDeliveryChange, WebhookEndpointChange } from './operational-events.ts'
export type { CanReceive, DeliveredEvent, TelemetryOptions, WebhookSenderOptions } from './options.ts'
export type {
  EventDetails,
  EventOutcome,
  EventPage,
  FindEvents,
  NoDeliveryReason,
  RaisedEvent,
  RaisedEvents,
} from './raised-events/raised-event.ts'
export type { SendTest } from './send-test.ts'
export type { WebhookSender } from './sender.ts'
export { createWebhookSender } from './sender.ts'
export type {
  AttemptStatistics,
  Statistics,
  StatisticsBucket,
  StatisticsQuery,
  TenantStatisticsQuery,
} from './statistics/statistics.ts'
export type { Tokens } from './tokens.ts'
export type { WebhookWorker, WebhookWorkerOptions } from './worker-process.ts'
export { createWebhookWorker } from './worker-process.ts'
