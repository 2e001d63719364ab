import { createVerifier, type RawBody, type VerifiedMessage, type WebhookHeaders } from '@x/signature'
import { ReceiverError } from './errors.ts'
import type { ReceiverSettings } from './options.ts'

// `@x/signature` verifies at once on Node and in its own time elsewhere; what differs is the type of
// the answer, and which of the two is compiled against is decided by whoever bundles.
interface Verifier {
  verify(body: RawBody, headers: WebhookHeaders): VerifiedMessage | Promise<VerifiedMessage>
}

/** Verifies with the secrets of the moment. */
export interface MessageVerifier {
  verify(body: RawBody, headers: WebhookHeaders): Promise<VerifiedMessage>
  /** @throws {@link ReceiverError} (`sync_unavailable`) where the secrets or the runtime make one wait. */
  verifySync(body: RawBody, headers: WebhookHeaders): VerifiedMessage
}

function isPromise<TValue>(value: TValue | PromiseLike<TValue>): value is PromiseLike<TValue> {
  return typeof value === 'object' && value !== null && 'then' in value
}

function needsWaiting(what: string): ReceiverError {
  return new ReceiverError('sync_unavailable', `verifySync: ${what}; use await receiver.verify(...).`)
}

/**
 * Creates a verifier that follows its secrets.
 *
 * @throws WebhookKeyError when secrets that are given as they are cannot be used.
 */
export function createMessageVerifier(settings: ReceiverSettings): MessageVerifier {
  const { secrets, toleranceSeconds, clock } = settings
  const verifierOf = (list: string | readonly string[]): Verifier =>
    createVerifier({ secrets: list, toleranceSeconds, clock })
  const fixed = typeof secrets === 'function' ? undefined : verifierOf(secrets)
  let latest: { readonly list: string; readonly verifier: Verifier } | undefined

  // Preparing a key costs as much as using it, and a function mostly answers what it did before.
  function remembered(answer: string | readonly string[]): Verifier {
    const list = JSON.stringify(answer)
    if (latest?.list !== list) latest = { list, verifier: verifierOf(answer) }
    return latest.verifier
  }

  function current(): Verifier | Promise<Verifier> {
    if (fixed || typeof secrets !== 'function') return fixed ?? verifierOf([])
    try {
      const answer = secrets()
      return isPromise(answer) ? Promise.resolve(answer).then(remembered) : remembered(answer)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async function resolved(): Promise<Verifier> {
    try {
      return await current()
    } catch (error) {
      throw new ReceiverError('secrets_unavailable', 'The secrets could not be had, or cannot be used.', {
        cause: error,
      })
    }
  }

  return {
    async verify(body, headers) {
      return (fixed ?? (await resolved())).verify(body, headers)
    },
    verifySync(body, headers) {
      const verifier = fixed ?? current()
      if (isPromise(verifier)) throw needsWaiting('the secrets come in a promise')
      const message = verifier.verify(body, headers)
      if (isPromise(message)) throw needsWaiting('this runtime verifies asynchronously')
      return message
    },
  }
}
