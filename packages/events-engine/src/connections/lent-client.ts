import { AsyncLocalStorage } from 'node:async_hooks'
import type { PostgresClient } from './postgres-pool.ts'

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

/** Has a connection of the pool tell of itself when it is used inside of {@link noteClient}. */
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
