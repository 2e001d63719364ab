export { chainNext, chainStart, digestOf } from './chain-node.ts'
export type { AsyncSigner, SyncSigner } from './create-signer.ts'
export { createSigner, createSigner as createSyncSigner } from './create-signer-node.ts'
export type { AsyncVerifier, SyncVerifier, VerifiedMessage } from './create-verifier.ts'
export { createVerifier, createVerifier as createSyncVerifier } from './create-verifier-node.ts'
export {
  type WebhookKeyCode,
  WebhookKeyError,
  type WebhookVerificationCode,
  WebhookVerificationError,
} from './errors.ts'
export { generateKeyPair } from './generate-key-pair-node.ts'
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
