export { chainNext, chainStart, digestOf } from './chain-web.ts'
export type { AsyncSigner, SyncSigner } from './create-signer.ts'
export { createSigner } from './create-signer-web.ts'
export { createSyncSigner, createSyncVerifier } from './create-sync-web.ts'
export type { AsyncVerifier, SyncVerifier, VerifiedMessage } from './create-verifier.ts'
export { createVerifier } from './create-verifier-web.ts'
export {
  type WebhookKeyCode,
  WebhookKeyError,
  type WebhookVerificationCode,
  WebhookVerificationError,
} from './errors.ts'
export { generateKeyPair } from './generate-key-pair-web.ts'
export type { WebhookKeyPair } from './key-pair.ts'
export {
  type Ed25519PrivateKey,
  type Ed25519PublicKey,
  formatKey,
  generateSecret,
  type HmacKey,
  hmacKey,
  parseSecret,
  publicKeyOf,
  type WebhookKey,
} from './keys.ts'
export type { VerifierOptions } from './options.ts'
export { type RawBody, takeRawBody } from './raw-body.ts'
export {
  type FetchHeaders,
  type HeaderFamily,
  type RawWebhookHeaders,
  readHeaders,
  type WebhookHeaders,
} from './read-headers.ts'
export { pastedMistake } from './secret-mistakes.ts'
export { type ChainedMessage, type SequenceLink, sequenceContent } from './sequence.ts'
export type { MessageToSign } from './signed-content.ts'
export { isMessageId } from './signed-content.ts'
