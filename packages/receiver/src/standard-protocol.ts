import { answerChallenge, challengeOf } from './answer-challenge.ts'
import { isPromise } from './is-promise.ts'
import { type MessageVerifier, requestOf } from './message-verifier.ts'
import type { ReceiverSettings } from './options.ts'
import type { ParsePayload } from './parse-payload.ts'
import { accepted } from './problem.ts'
import type { Protocol } from './protocol.ts'
import type { ReceiverInput } from './receiver-input.ts'
import { requestProblem } from './request-problem.ts'
import type { SecretSource } from './secret-source.ts'
import { openLink } from './sequence-headers.ts'

/** What {@link standardProtocol} works with. */
export interface StandardProtocolParts {
  readonly settings: Pick<ReceiverSettings, 'answerChallenges' | 'sequence'>
  readonly secrets: SecretSource
  readonly verifier: MessageVerifier
  readonly parsePayload: ParsePayload
}

/** The protocol of Standard Webhooks: a request brings one message, and its headers prove it. */
export function standardProtocol(parts: StandardProtocolParts): Protocol {
  const { settings, secrets, verifier, parsePayload } = parts
  const { answerChallenges, sequence } = settings

  async function secretsFor({ headers, url }: ReceiverInput): Promise<readonly string[]> {
    const current = typeof secrets === 'function' ? await secrets(requestOf(headers, url)) : secrets
    return typeof current === 'string' ? [current] : current
  }

  return {
    acknowledgement: accepted(204),
    repeated: accepted(200),
    readOne(body, headers, url) {
      const message = verifier.verify(body, headers, url)
      // To wait for what is there already would cost a turn of the event loop's queue.
      return isPromise(message)
        ? message.then(({ id }) => parsePayload({ id, body, headers }))
        : parsePayload({ id: message.id, body, headers })
    },
    admit: requestProblem,
    async open(body, input) {
      const { headers, url } = input
      const message = await verifier.verify(body, headers, url)
      const link = sequence && (await openLink(verifier, message, headers, url))
      return [
        {
          message,
          link,
          read: () => parsePayload({ id: message.id, body, headers }),
          challenge(event) {
            const token = answerChallenges ? challengeOf(event) : undefined
            if (token === undefined) return undefined
            return secretsFor(input).then((current) => answerChallenge(token, message, current))
          },
        },
      ]
    },
  }
}
