import type { RawBody, WebhookHeaders } from '@x/signature'

/** A message as an adapter hands it over. */
export interface ReceiverInput {
  /** Checked when given: webhooks are POST. */
  readonly method?: string | undefined
  readonly headers: WebhookHeaders
  /** The bytes, or how to read them when it comes to that. */
  readonly body: RawBody | ((maxBodyBytes: number) => Promise<RawBody>)
  /** Where the request was sent: an absolute URL, or its path. For secrets that depend on it. */
  readonly url?: string | undefined
  /** Aborted when whoever waits for the answer is gone. */
  readonly signal?: AbortSignal | undefined
}
