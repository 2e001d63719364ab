export {
  generateSecret,
  type RawBody,
  type WebhookHeaders,
  type WebhookKeyCode,
  WebhookKeyError,
  type WebhookVerificationCode,
  WebhookVerificationError,
} from '@x/signature'
export { createReceiver, type Receiver, type ReceiverErrorListener } from './create-receiver.ts'
export { ReceiverError, type ReceiverErrorCode } from './errors.ts'
export type {
  EventPattern,
  EventTypeOf,
  KnownEventPattern,
  WebhookContext,
  WebhookEvent,
  WebhookHandler,
} from './event-patterns.ts'
export type { ReceiverOptions, SecretSource } from './options.ts'
export type { ReceiverResponse } from './problem.ts'
export type { ReceiverErrorContext } from './receive.ts'
export type { ReceiverInput } from './receiver-input.ts'
export {
  type MemoryReplayStoreOptions,
  memoryReplayStore,
  type ReplayClaim,
  type ReplayStore,
} from './replay-store.ts'
export { Webhook, type WebhookOptions, type WebhookVerifyOptions } from './webhook.ts'
