import { EventEngineError, shown } from '../../errors.ts'
import type { Position } from '../event-store.ts'

/**
 * A place in the log of a database whose transactions commit in another order than they begin.
 *
 * Everything visible in `from` is behind it. Where there is `to`, a reader is in the middle of what
 * became visible between the two, which it reads in the order of the sequence: what is visible in
 * `to` up to `sequence` is behind it as well. Without `to`, `sequence` is a floor for whatever comes
 * next: only a restored log has one (see restore-log.ts).
 *
 * Snapshots are PostgreSQL's own text for `pg_snapshot`: `xmin:xmax:xip,xip`.
 */
export interface SnapshotPosition {
  readonly from: string
  readonly to: string | undefined
  readonly sequence: bigint
}

/** The snapshot in which nothing is visible. */
export const NOTHING_VISIBLE = '3:3:'

/**
 * A snapshot without the transactions that may be forgotten in a crash. The ids of transactions that
 * were rolled back, or that wrote nothing to disk yet, are handed out once more by a server that has
 * recovered: what then carries them must not seem to be known. No id is handed out again below one
 * whose transaction was committed.
 *
 * @param committed - the greatest id of a committed transaction that is known.
 */
export function durableSnapshot(snapshot: string, committed: bigint): string {
  const [xmin = '', xmax = '', running = ''] = snapshot.split(':')
  const end = committed + 1n
  if (BigInt(xmax) <= end) return snapshot
  const kept = running.split(',').filter((xid) => xid !== '' && BigInt(xid) < end)
  const start = BigInt(xmin) < end ? xmin : String(end)
  return `${start}:${end}:${kept.join(',')}`
}

/** The first id that a snapshot knows nothing of. */
export function endOfSnapshot(snapshot: string): bigint {
  return BigInt(snapshot.split(':')[1] ?? '')
}

const SNAPSHOT = String.raw`\d{1,20}:\d{1,20}:(?:\d{1,20}(?:,\d{1,20})*)?`
const POSITION = new RegExp(`^p/(${SNAPSHOT})/(${SNAPSHOT})?/(\\d{1,19})$`)

/** The text under which a position is stored and handed out. */
export function formatPosition({ from, to, sequence }: SnapshotPosition): Position {
  return `p/${from}/${to ?? ''}/${sequence}`
}

/** @throws EventEngineError `invalid_position` */
export function parsePosition(text: string): SnapshotPosition {
  const parts = POSITION.exec(text)
  if (!parts) {
    throw new EventEngineError(
      'invalid_position',
      `${shown(text)} is no position of this event log; pass one that it has given out.`,
    )
  }
  const [, from = '', to, sequence = '0'] = parts
  return { from, to: to || undefined, sequence: BigInt(sequence) }
}
