export type { SchemeSettings, WebhookScheme } from './protocol.ts'
export { defineScheme } from './schemes/define-scheme.ts'
export { eventGrid } from './schemes/event-grid.ts'
export { mandrill, twilio } from './schemes/form-senders.ts'
export { type PayPalOptions, paypal } from './schemes/paypal.ts'
export { type SalesforceOptions, salesforce } from './schemes/salesforce.ts'
export type {
  BodyFormat,
  SchemeAnswer,
  SchemeDefinition,
  SchemeEvent,
  SchemeProof,
  SchemeRequest,
} from './schemes/scheme.ts'
export {
  azureAlerts,
  azureContainerRegistry,
  azureDevOps,
  dataverse,
  generic,
  kudu,
  mailchimp,
  type SharedSecretPlace,
  wordpress,
} from './schemes/shared-secret-senders.ts'
export {
  bitbucket,
  dropbox,
  github,
  intercom,
  linear,
  type MetaOptions,
  meta,
  type PusherOptions,
  pusher,
  type SecretAndUrlOptions,
  type SecretOptions,
  shopify,
  slack,
  square,
  stripe,
  trello,
  zendesk,
} from './schemes/signing-senders.ts'
export {
  clerk,
  type GitLabOptions,
  gitlab,
  openai,
  resend,
  standardWebhooks,
} from './schemes/standard-senders.ts'
export { type HmacOptions, hmac, type SharedSecretOptions, sharedSecret } from './schemes/verify.ts'
