/** What is known of a request before it is verified: nothing of it is proved yet. */
export interface SecretRequest {
  /** Where it was sent, as the adapter knows it: an absolute URL, or a path. */
  readonly url: string | undefined
  readonly headers: Headers
}

/**
 * Secrets, or where to get them: a function is asked for each request, and may answer by tenant or
 * endpoint. An empty list means that nobody may sign for this request, which is refused.
 */
export type SecretSource =
  | string
  | readonly string[]
  | ((request: SecretRequest) => string | readonly string[] | Promise<string | readonly string[]>)
