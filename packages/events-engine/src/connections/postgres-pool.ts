/** What the engine needs of a `pg.Pool`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  on?(event: 'error', listener: (error: Error) => void): unknown
  on?(event: 'acquire', listener: (client: PostgresClient) => void): unknown
  /** Connections that nobody uses. */
  readonly idleCount?: number | undefined
  readonly options?:
    | { readonly max?: number | undefined; readonly connectionTimeoutMillis?: number | undefined }
    | undefined
}

/** What the engine needs of a connection of a `pg.Pool`. */
export interface PostgresClient {
  query(statement: string, parameters?: unknown[]): Promise<unknown>
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown
  release(destroy?: boolean): void
  /** Of the server process behind it; of nothing where a pooler is in between. */
  readonly processID?: number | null | undefined
  readonly connection?: { readonly stream?: PostgresStream | undefined } | undefined
}

interface PostgresStream {
  destroy(): unknown
  readonly bytesRead?: number | undefined
}

/**
 * Closes a connection without a word to its server, which would not hear it: what waits for an answer fails at
 * once. `release(true)` alone asks the server to close it, and waits for that.
 *
 * @returns whether the connection can be reached.
 */
export function closeSocket(client: PostgresClient | undefined): boolean {
  const stream = client?.connection?.stream
  stream?.destroy()
  return stream !== undefined
}
