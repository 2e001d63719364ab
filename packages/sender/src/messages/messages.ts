import type { TenantScope } from '../endpoints/endpoint.ts'

/** A message of an endpoint with a sequence, as it is POSTed. */
export interface PulledMessage {
  /** The event's id, which is its `webhook-id`. */
  readonly id: string
  /** Its number. */
  readonly sequence: number
  /** By lower-case names. Timestamp and signature are made when it is read. */
  readonly headers: Readonly<Record<string, string>>
  /** To the byte. */
  readonly body: string
}

/** Messages of an endpoint, in the order of their numbers. */
export interface PulledMessages {
  readonly messages: readonly PulledMessage[]
  /** To be given as `after` for those that follow. */
  readonly cursor: number
  /** Whether there are more already. */
  readonly hasMore: boolean
}

/** Which messages to read. */
export interface PullMessages extends TenantScope {
  /**
   * The number of the last message that was read; 0 for none. `'latest'`: those that are stored from now on.
   * @defaultValue the number before the oldest message that is left
   */
  readonly after?: number | 'latest' | undefined
  /**
   * 1 to 250.
   * @defaultValue 100
   */
  readonly limit?: number | undefined
  /**
   * Most bytes of all bodies together; one message is read in any case.
   * @defaultValue 4194304
   */
  readonly maxBytes?: number | undefined
  /**
   * Milliseconds to wait for a message, where there is none yet; at most 60000.
   * @defaultValue 0
   */
  readonly waitMs?: number | undefined
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined
}

/** Reads the messages of endpoints that have a sequence. */
export interface Messages {
  /**
   * Reads messages, as `createEventsApi` does. What the host's `canReceive` forbids is left out, and the cursor passes it.
   *
   * @throws MessagesGoneError where retention has deleted messages after that number
   * @throws WebhookSenderError `endpoint_not_found`, `endpoint_disabled`, `no_sequence`, `invalid_argument`, `check_failed`
   * where `canReceive` does not respond
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function countMissed(sender: WebhookSender, endpointId: string, after: number): Promise<number> {
   *   const { messages } = await sender.messages.pull(endpointId, { after })
   *   return messages.length
   * }
   * ```
   */
  pull(endpointId: string, query?: PullMessages): Promise<PulledMessages>
}
