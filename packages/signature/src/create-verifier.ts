import { WebhookVerificationError } from './errors.ts'
import type { VerifyingKey } from './keys.ts'
import { resolveVerifierOptions, type VerifierOptions, type VerifierSettings } from './options.ts'
import { type RawBody, takeRawBody } from './raw-body.ts'
import { readHeaders, type WebhookHeaders } from './read-headers.ts'
import { parseSignatureList, type SignatureList } from './signature-list.ts'
import type { SignedContent } from './signed-content.ts'
import { isMessageId } from './signed-content.ts'
import { checkTimestamp } from './timestamp.ts'

/** What is known of a message once its signature was found to fit. */
export interface VerifiedMessage {
  /** The `webhook-id` (or `svix-id`): the same for every attempt of one message. */
  readonly id: string
  /** Seconds since 1970 at which this attempt was signed. */
  readonly timestamp: number
  /** Which of the secrets fitted, by its place in the list; tells when an old one is no longer used. */
  readonly keyIndex: number
}

/** Verifies at once: Node, and `createSyncVerifier` anywhere. */
export interface SyncVerifier {
  /**
   * Finds out whether a message comes from who holds the key, unchanged and recently.
   *
   * @throws {@link WebhookVerificationError} when it does not.
   */
  verify(body: RawBody, headers: WebhookHeaders): VerifiedMessage
}

/** Verifies through WebCrypto. */
export interface AsyncVerifier {
  /** As {@link SyncVerifier.verify}, in a promise; a refused message rejects it. */
  verify(body: RawBody, headers: WebhookHeaders): Promise<VerifiedMessage>
}

/** Finds out whether one of the signatures is that of one key. */
export type MatchContent<TResult> = (content: SignedContent, signatures: SignatureList) => TResult

interface Claim extends Omit<VerifiedMessage, 'keyIndex'> {
  readonly content: SignedContent
  readonly signatures: SignatureList
}

// Everything that costs next to nothing comes before the first byte is hashed.
function readClaim(settings: VerifierSettings, rawBody: RawBody, rawHeaders: WebhookHeaders): Claim {
  const body = takeRawBody(rawBody)
  const headers = readHeaders(rawHeaders)
  if (!isMessageId(headers.id)) {
    throw new WebhookVerificationError(
      'invalid_header',
      `The header ${headers.family}-id must be 1 to 256 visible ASCII characters without a full stop.`,
    )
  }
  const timestamp = checkTimestamp(headers, settings.clock.now(), settings.toleranceSeconds)
  const signatures = parseSignatureList(headers)
  return {
    id: headers.id,
    timestamp,
    signatures,
    content: { head: `${headers.id}.${headers.timestamp}.`, body },
  }
}

function noMatch(): WebhookVerificationError {
  return new WebhookVerificationError(
    'no_matching_signature',
    'No signature fits: the body was changed on its way (parsed, decoded, reformatted), or the secret is another one.',
  )
}

/** Builds a verifier out of what a runtime can do. */
export function syncVerifier(
  options: VerifierOptions,
  methodFor: (key: VerifyingKey) => MatchContent<boolean>,
): SyncVerifier {
  const settings = resolveVerifierOptions(options)
  const methods = settings.keys.map(methodFor)
  return {
    verify(body, headers) {
      const { id, timestamp, content, signatures } = readClaim(settings, body, headers)
      let keyIndex = 0
      for (const matches of methods) {
        if (matches(content, signatures)) return { id, timestamp, keyIndex }
        keyIndex++
      }
      throw noMatch()
    },
  }
}

/** Builds a verifier out of what a runtime can do in its own time. */
export function asyncVerifier(
  options: VerifierOptions,
  methodFor: (key: VerifyingKey) => MatchContent<Promise<boolean>>,
): AsyncVerifier {
  const settings = resolveVerifierOptions(options)
  const methods = settings.keys.map(methodFor)
  return {
    async verify(body, headers) {
      const { id, timestamp, content, signatures } = readClaim(settings, body, headers)
      for (const [keyIndex, matches] of methods.entries()) {
        if (await matches(content, signatures)) return { id, timestamp, keyIndex }
      }
      throw noMatch()
    },
  }
}
