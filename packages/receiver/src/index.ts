export {
  generateSecret,
  type HeaderFamily,
  type RawBody,
  type WebhookHeaders,
  type WebhookKeyCode,
  WebhookKeyError,
  type WebhookVerificationCode,
  WebhookVerificationError,
} from '@x/signature'
export type { CatchUpOptions, CatchUpSource, CaughtUp } from './catch-up.ts'
export {
  createReceiver,
  type Receiver,
  type ReceiverErrorListener,
  type SequenceListener,
  type VerifyContext,
} from './create-receiver.ts'
export { ReceiverError, type ReceiverErrorCode } from './errors.ts'
export type { EventHandler, EventOf, EventSchemas, PatternOf, TypedEvent } from './event-map.ts'
export type {
  ContextOf,
  EventPattern,
  EventTypeOf,
  WebhookContext,
  WebhookEvent,
  WebhookHandler,
} from './event-patterns.ts'
export type { Inbox, InboxOptions, InboxOutcome, InboxPurgeOptions } from './inbox.ts'
export { type InboxDialect, type InboxTableOptions, inboxTableSql } from './inbox-table.ts'
export {
  type MemoryReplayStoreOptions,
  memoryReplayStore,
} from './memory-replay-store.ts'
export type { EventsOfWebhooks } from './openapi-events.ts'
export type { PublicKeyReceiverOptions, ReceiverOptions, SchemeReceiverOptions } from './options.ts'
export type { HandshakeOptions } from './origin-handshake.ts'
export type { ReceiverResponse } from './problem.ts'
export type { OpenedMessage, Protocol, SchemeSettings, WebhookScheme } from './protocol.ts'
export { type JwksOptions, jwks, type PublicKeySource } from './public-keys.ts'
export type { ReceiverErrorContext } from './receive.ts'
export type { ReceiverInput } from './receiver-input.ts'
export type { ReplayClaim, ReplayStore } from './replay-store.ts'
export type { ReplayTimes } from './replay-times.ts'
export type { SecretRequest, SecretSource } from './secret-source.ts'
export type { SequenceOptions } from './sequence-options.ts'
export {
  type MemorySequenceStoreOptions,
  memorySequenceStore,
  type SequenceMark,
  type SequencePlace,
  type SequenceStore,
} from './sequence-store.ts'
export type { SequenceNotice, SequenceRange, SequenceState } from './sequence-tracker.ts'
export type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts'
export { Webhook, type WebhookOptions, type WebhookVerifyOptions } from './webhook.ts'
