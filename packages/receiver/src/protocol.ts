import type { VerifiedMessage } from '@x/signature'
import type { WebhookEvent } from './event-patterns.ts'
import type { ReceiverResponse } from './problem.ts'
import type { ReceiverInput } from './receiver-input.ts'

/** One message of a request whose sender is proved; it is claimed, handled and acknowledged by itself. */
export interface OpenedMessage {
  readonly message: VerifiedMessage
  /**
   * Reads the event, after the message was claimed.
   *
   * @throws WebhookVerificationError (`invalid_body`)
   */
  read(): WebhookEvent
  /** The answer to an event that is for the receiver itself; undefined for one that is for the handlers. */
  challenge?(event: WebhookEvent): Promise<ReceiverResponse> | undefined
}

/** What the requests of one kind of sender have in common: who is let in, what proves them, what they bring. */
export interface Protocol {
  /** The answer to each message that was handled. */
  readonly acknowledgement: ReceiverResponse
  /** Answers a request that can bring no event, before its body is read; undefined for any other. */
  admit(input: ReceiverInput): ReceiverResponse | undefined
  /**
   * Proves who sent a request.
   *
   * @returns what it brings, mostly one message; or the answer, where the sender asks for one and brings nothing.
   * @throws WebhookVerificationError when the request is refused.
   */
  open(body: Uint8Array | string, input: ReceiverInput): Promise<readonly OpenedMessage[] | ReceiverResponse>
}
