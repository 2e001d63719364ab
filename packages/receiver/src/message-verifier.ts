import { createVerifier, type RawBody, type VerifiedMessage, type WebhookHeaders } from '@x/signature'
import { ReceiverError } from './errors.ts'
import type { ReceiverSettings } from './options.ts'

/** Verifies with the secrets of the moment: at once where the secrets and the runtime allow it. */
export interface MessageVerifier {
  // `@x/signature` verifies at once on Node and in its own time elsewhere; which of the two is
  // compiled against is decided by whoever bundles, so that here it may be either.
  verify(body: RawBody, headers: WebhookHeaders): VerifiedMessage | Promise<VerifiedMessage>
}

/** Whether a value is still to come. */
export function isPromise<TValue>(value: TValue | PromiseLike<TValue>): value is PromiseLike<TValue> {
  return typeof value === 'object' && value !== null && 'then' in value
}

function secretsUnavailable(cause: unknown): ReceiverError {
  return new ReceiverError('secrets_unavailable', 'The secrets could not be had, or cannot be used.', {
    cause,
  })
}

/**
 * Creates a verifier that follows its secrets.
 *
 * @throws WebhookKeyError when secrets that are given as they are cannot be used.
 */
export function createMessageVerifier(settings: ReceiverSettings): MessageVerifier {
  const { secrets, toleranceSeconds, clock } = settings
  const verifierOf = (list: string | readonly string[]): MessageVerifier =>
    createVerifier({ secrets: list, toleranceSeconds, clock })
  if (typeof secrets !== 'function') return verifierOf(secrets)

  const source = secrets
  let latest: { readonly list: string; readonly verifier: MessageVerifier } | undefined

  // Preparing a key costs as much as using it, and a function mostly answers what it did before.
  function remembered(answer: string | readonly string[]): MessageVerifier {
    const list = JSON.stringify(answer)
    if (latest?.list !== list) latest = { list, verifier: verifierOf(answer) }
    return latest.verifier
  }

  async function awaited(answer: PromiseLike<string | readonly string[]>): Promise<MessageVerifier> {
    try {
      return remembered(await answer)
    } catch (error) {
      throw secretsUnavailable(error)
    }
  }

  function current(): MessageVerifier | Promise<MessageVerifier> {
    try {
      const answer = source()
      return isPromise(answer) ? awaited(answer) : remembered(answer)
    } catch (error) {
      throw secretsUnavailable(error)
    }
  }

  return {
    verify(body, headers) {
      const verifier = current()
      return isPromise(verifier)
        ? verifier.then((later) => later.verify(body, headers))
        : verifier.verify(body, headers)
    },
  }
}
