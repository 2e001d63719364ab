/** A request as a scheme sees it. Nothing of it is proved before `verify` has returned. */
export interface SchemeRequest {
  /** In capitals: `POST`, or another that only `handshake` sees. */
  readonly method: string
  /** Where it was sent, as the adapter knows it: the host is made up where there is only a path. */
  readonly url: URL
  readonly headers: Headers
  /** The bytes that arrived; empty in `handshake`. */
  readonly body: Uint8Array<ArrayBuffer>
  /** The body as text. Throws WebhookVerificationError (`invalid_body`) where it is not UTF-8. */
  readonly text: string
  /**
   * What the body says: JSON, or the fields of a form (a list where a field is there more than once). XML stays text.
   * Throws WebhookVerificationError (`invalid_body`) where it cannot be read.
   */
  readonly payload: unknown
  /** Milliseconds since 1970, of the receiver's clock. */
  readonly now: number
  /** How old a signed time may be, of the receiver's options. */
  readonly toleranceSeconds: number
}

/** What a scheme has found out about the signature. */
export interface SchemeProof {
  /** Seconds since 1970 at which the sender signed, where it signs the time; else the time of receipt is used. */
  readonly timestamp?: number | undefined
  /** The id, where the sender signs it; it then counts, and not the one that `event` gives. */
  readonly id?: string | undefined
  /** Which of several secrets fitted, by its place in the list. */
  readonly keyIndex?: number | undefined
}

/** An event as a scheme reads it from a request that was verified. */
export interface SchemeEvent {
  /** The same for each attempt. Without one, it is made of the body's hash, so that a repetition is known by it. */
  readonly id?: unknown
  /** What handlers are registered for, as the sender calls it. Without one, the name of the scheme. */
  readonly type?: unknown
  readonly data: unknown
  /** When it happened: ISO 8601, or seconds since 1970. Without one, the time of receipt. */
  readonly timestamp?: unknown
}

/** An answer of a scheme to its sender; 200 and empty unless it says otherwise. */
export interface SchemeAnswer {
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
}

/** What the body of a request is written in. */
export type BodyFormat = 'json' | 'form' | 'xml'

/** How one sender's webhooks are proved, named and answered; for {@link defineScheme}. */
export interface SchemeDefinition {
  /** Names the sender: the type of events that it gives none. */
  readonly name: string
  /**
   * What the sender writes bodies in; others are answered with 415.
   *
   * @defaultValue ['json']
   */
  readonly formats?: readonly BodyFormat[] | undefined
  /**
   * Proves who sent a request.
   *
   * @returns false where it is somebody else.
   * @throws WebhookVerificationError where more is to be said to `onError`.
   */
  verify(request: SchemeRequest): SchemeProof | boolean | Promise<SchemeProof | boolean>
  /** Reads the event of a request that was verified; several where the sender sends batches. */
  event(request: SchemeRequest): SchemeEvent | readonly SchemeEvent[]
  /** Answers a request that has another method than POST, by which senders try a URL. Nothing proves it. */
  handshake?(request: SchemeRequest): SchemeAnswer | undefined | Promise<SchemeAnswer | undefined>
  /** Answers a request that was verified, where the sender asks for an answer; it then brings no event. */
  challenge?(request: SchemeRequest): SchemeAnswer | undefined
  /**
   * The answer to events that were handled.
   *
   * @defaultValue 200, empty: the one that every sender takes for a success
   */
  readonly acknowledgement?: SchemeAnswer | undefined
}
