import { AsyncLocalStorage } from 'node:async_hooks'

/** What the engine needs of a `pg.Pool`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  on?(event: 'error', listener: (error: Error) => void): unknown
  on?(event: 'acquire', listener: (client: PostgresClient) => void): unknown
  /** Idle connections. */
  readonly idleCount?: number | undefined
  /** Whether its `end` was called. */
  readonly ending?: boolean | undefined
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
 * Closes the socket of a silent connection, so that its pending queries fail at once. `release(true)` alone would ask the
 * server to close it, and wait for that.
 *
 * @returns whether the connection can be reached.
 */
export function closeSocket(client: PostgresClient | undefined): boolean {
  const stream = client?.connection?.stream
  stream?.destroy()
  return stream !== undefined
}

/** Which of the pool's connections the engine works on, as far as it can be known: Kysely keeps it to itself. */
export interface LentClient {
  client: PostgresClient | undefined
  /** How much it had read when the latest query was sent: more has come in since if it is alive. */
  bytesRead: number | undefined
}

const lending = new AsyncLocalStorage<LentClient>()

/** Runs what sends queries; which connection takes them is noted. */
export function noteClient<TResult>(lent: LentClient, work: () => TResult): TResult {
  return lending.run(lent, work)
}

/** Makes a connection of the pool note that it is used inside of {@link noteClient}. */
export function noteQueries(client: PostgresClient): void {
  const { query } = client
  client.query = (...parameters) => {
    const lent = lending.getStore()
    if (lent) {
      lent.client = client
      lent.bytesRead = client.connection?.stream?.bytesRead
    }
    return Reflect.apply(query, client, parameters)
  }
}
