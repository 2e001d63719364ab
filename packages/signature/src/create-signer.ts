import { parseSigningKeys, type SigningKey } from './keys.ts'
import { contentToSign, type MessageToSign, type SignedContent } from './signed-content.ts'

/** Signs at once: Node, and `createSyncSigner` anywhere. */
export interface SyncSigner {
  /**
   * The value of the `webhook-signature` header: one signature for each key, separated by spaces.
   *
   * @throws EventsError (`invalid_argument`) for an id or timestamp that no receiver would accept.
   */
  sign(message: MessageToSign): string
}

/** Signs through WebCrypto. */
export interface AsyncSigner {
  /** As {@link SyncSigner.sign}, in a promise; what is wrong with the message rejects it. */
  sign(message: MessageToSign): Promise<string>
}

/** Signs content with one key: `v1,...` or `v1a,...`. */
export type SignContent<TResult> = (content: SignedContent) => TResult

/** Builds a signer out of what a runtime can do. */
export function syncSigner(
  secrets: string | readonly string[],
  methodFor: (key: SigningKey) => SignContent<string>,
): SyncSigner {
  const methods = parseSigningKeys(secrets).map(methodFor)
  return {
    sign(message) {
      const content = contentToSign(message)
      return methods.map((sign) => sign(content)).join(' ')
    },
  }
}

/** Builds a signer out of what a runtime can do in its own time. */
export function asyncSigner(
  secrets: string | readonly string[],
  methodFor: (key: SigningKey) => SignContent<Promise<string>>,
): AsyncSigner {
  const methods = parseSigningKeys(secrets).map(methodFor)
  return {
    async sign(message) {
      const content = contentToSign(message)
      const signatures = await Promise.all(methods.map((sign) => sign(content)))
      return signatures.join(' ')
    },
  }
}
