import type { Kysely } from 'kysely'
import { MOST_ROWS } from '../sql/sqlite-rows.ts'
import type { EventRow } from '../store/event-row.ts'
import type { EventStore } from '../store/event-store.ts'

// What one statement takes, which is a transaction of its own.
const MAX_BATCH = MOST_ROWS

interface Waiting {
  readonly row: EventRow
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Group commit for events that are raised outside of a transaction: those that arrive while a commit
 * is under way share the next one, so that many raisers cost few disk flushes.
 */
export function createAppendBatcher(
  db: Kysely<unknown>,
  store: EventStore,
): (row: EventRow) => Promise<void> {
  let waiting: Waiting[] = []
  let committing = false

  async function commit(): Promise<void> {
    committing = true
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      try {
        await store.appendAll(
          db,
          batch.map(({ row }) => row),
        )
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    committing = false
  }

  return (row) =>
    new Promise((resolve, reject) => {
      waiting.push({ row, resolve, reject })
      // Later in this turn, so that raisers of the same turn come along.
      if (!committing) {
        committing = true
        queueMicrotask(commit)
      }
    })
}
