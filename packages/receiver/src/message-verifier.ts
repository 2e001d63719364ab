import {
  createVerifier,
  type RawBody,
  type VerifiedMessage,
  type WebhookHeaders,
  WebhookKeyError,
  WebhookVerificationError,
} from '@x/signature'
import { ReceiverError } from './errors.ts'
import { fetchHeadersOf } from './fetch-headers.ts'
import { isPromise } from './is-promise.ts'
import type { ReceiverSettings } from './options.ts'
import type { PublicKeySource } from './public-keys.ts'
import type { SecretRequest, SecretSource } from './secret-source.ts'

/** Verifies with the secrets of the moment: at once where the secrets and the runtime allow it. */
export interface MessageVerifier {
  // `@x/signature` verifies at once on Node and in its own time elsewhere; which of the two is
  // compiled against is decided by whoever bundles, so that here it may be either.
  verify(body: RawBody, headers: WebhookHeaders, url?: string): VerifiedMessage | Promise<VerifiedMessage>
}

// Tenants, at most, whose keys are kept ready.
const MAX_PREPARED = 1_000

/** What is thrown when the function that gives the secrets has failed. */
export function secretsUnavailable(cause: unknown): ReceiverError {
  if (ReceiverError.is(cause)) return cause
  // What is wrong with a key is said without the key; what else failed may name passwords.
  const message =
    cause instanceof WebhookKeyError
      ? `The function that gives the secrets gave one that cannot be used. ${cause.message}`
      : 'The secrets could not be read: the function that returns them failed.'
  return new ReceiverError('secrets_unavailable', message, { cause })
}

const nobodyMaySign: MessageVerifier = {
  verify() {
    throw new WebhookVerificationError(
      'no_matching_signature',
      'There is no secret for where this webhook was sent.',
    )
  },
}

/** What secrets that are looked up may depend on. */
export function requestOf(headers: WebhookHeaders, url: string | undefined): SecretRequest {
  return {
    url,
    get headers() {
      return fetchHeadersOf(headers)
    },
  }
}

/** The part of a receiver's settings that verifying depends on. */
export interface VerifierParts extends Pick<ReceiverSettings, 'toleranceSeconds' | 'clock'> {
  readonly secrets: SecretSource
}

/**
 * Creates a verifier that follows its secrets.
 *
 * @throws WebhookKeyError when secrets that are given as they are cannot be used.
 */
export function createMessageVerifier(settings: VerifierParts): MessageVerifier {
  const { secrets, toleranceSeconds, clock } = settings
  const verifierOf = (list: string | readonly string[]): MessageVerifier =>
    createVerifier({ secrets: list, toleranceSeconds, clock })
  if (typeof secrets !== 'function') return verifierOf(secrets)

  const source = secrets
  const prepared = new Map<string, MessageVerifier>()

  // Preparing a key costs as much as using it, and a function mostly answers what it did before.
  function remembered(answer: string | readonly string[]): MessageVerifier {
    if (Array.isArray(answer) && answer.length === 0) return nobodyMaySign
    const list = JSON.stringify(answer)
    const known = prepared.get(list)
    if (known) return known
    const verifier = verifierOf(answer)
    const [oldest] = prepared.keys()
    if (prepared.size >= MAX_PREPARED && oldest !== undefined) prepared.delete(oldest)
    prepared.set(list, verifier)
    return verifier
  }

  async function awaited(answer: PromiseLike<string | readonly string[]>): Promise<MessageVerifier> {
    try {
      return remembered(await answer)
    } catch (error) {
      throw secretsUnavailable(error)
    }
  }

  function current(request: SecretRequest): MessageVerifier | Promise<MessageVerifier> {
    try {
      const answer = source(request)
      return isPromise(answer) ? awaited(answer) : remembered(answer)
    } catch (error) {
      throw secretsUnavailable(error)
    }
  }

  return {
    verify(body, headers, url) {
      const verifier = current(requestOf(headers, url))
      return isPromise(verifier)
        ? verifier.then((later) => later.verify(body, headers))
        : verifier.verify(body, headers)
    },
  }
}

/** Verifies with the public keys of a sender, and once more where it has others by now. */
export function createPublicKeyVerifier(
  source: PublicKeySource,
  settings: Pick<ReceiverSettings, 'toleranceSeconds' | 'clock'>,
): MessageVerifier {
  const { toleranceSeconds, clock } = settings
  const verifier = createMessageVerifier({ secrets: () => source.keys(), toleranceSeconds, clock })
  return {
    async verify(body, headers, url) {
      try {
        return await verifier.verify(body, headers, url)
      } catch (error) {
        const isUnknown = WebhookVerificationError.is(error) && error.code === 'no_matching_signature'
        if (!isUnknown || !(await source.refresh())) throw error
        return verifier.verify(body, headers, url)
      }
    },
  }
}
