import type { Clock } from '@x/events-core'
import type { SequenceLink, VerifiedMessage, WebhookHeaders } from '@x/signature'
import type { WebhookEvent } from './event-patterns.ts'
import type { ReceiverResponse } from './problem.ts'
import type { ReceiverInput } from './receiver-input.ts'

/** One message of a request whose sender is proved; it is claimed, handled and acknowledged by itself. */
export interface OpenedMessage {
  readonly message: VerifiedMessage
  /** Its place among the messages of its endpoint, where it has one and the receiver asks for it. */
  readonly link?: SequenceLink | undefined
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
  /** The answer to each that was handled before. */
  readonly repeated: ReceiverResponse
  /** Answers a request that can bring no event, before its body is read; undefined for any other. */
  admit(input: ReceiverInput): ReceiverResponse | Promise<ReceiverResponse> | undefined
  /**
   * Proves who sent a request.
   *
   * @returns what it brings, mostly one message; or the answer, where the sender asks for one and brings nothing.
   * @throws WebhookVerificationError when the request is refused.
   */
  open(body: Uint8Array | string, input: ReceiverInput): Promise<readonly OpenedMessage[] | ReceiverResponse>
  /** As `open`, of a request that brings one event, for code that answers by itself; at once where that can be. */
  readOne(
    body: Uint8Array | string,
    headers: WebhookHeaders,
    url: string | undefined,
  ): WebhookEvent | Promise<WebhookEvent>
}

/** The part of a receiver's settings that schemes depend on. */
export interface SchemeSettings {
  readonly toleranceSeconds: number
  readonly clock: Clock
}

/** How one sender's webhooks are proved, named and answered: what the functions of `@x/receiver/schemes` make. */
export interface WebhookScheme {
  /** Names the sender. */
  readonly name: string
  /** Called once, by `createReceiver`. */
  createProtocol(settings: SchemeSettings): Protocol
}
