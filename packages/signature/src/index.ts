export type { AsyncSigner, SyncSigner } from './create-signer.ts'
export {
  type WebhookKeyCode,
  WebhookKeyError,
  type WebhookVerificationCode,
  WebhookVerificationError,
} from './errors.ts'
export {
  type Ed25519PrivateKey,
  type Ed25519PublicKey,
  generateSecret,
  type HmacKey,
  parseSecret,
  publicKeyOf,
  type WebhookKey,
} from './keys.ts'
export type { MessageToSign } from './signed-content.ts'
export { createSigner } from './signer-node.ts'
