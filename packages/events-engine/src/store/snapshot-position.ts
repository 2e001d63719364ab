import { EventEngineError, shown } from '../errors.ts'
import type { Position } from './position.ts'

/**
 * A place in the log of a database whose transactions commit in another order than they begin.
 *
 * Everything visible in `from` is behind it. Where there is `to`, a reader is in the middle of what
 * became visible between the two, which it reads in the order of the sequence: what is visible in
 * `to` up to `sequence` is before it as well. Without `to`, `sequence` is a floor for the events that come
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

/**
 * SQL: the current snapshot without this transaction, and without all that began later. PostgreSQL leaves its own
 * transaction out of those in progress: once a later one has ended, it would seem to be known, and what it writes would be
 * read by no one.
 */
export const SNAPSHOT_BEFORE_THIS = `(
    select least(pg_snapshot_xmin(s.present), s.own)::text || ':' || least(pg_snapshot_xmax(s.present), s.own)::text || ':'
      || coalesce((select string_agg(xid::text, ',' order by xid) from pg_snapshot_xip(s.present) xid where xid < s.own), '')
    from (select pg_current_snapshot() as present, pg_current_xact_id() as own) s)`

/** The first id that a snapshot knows nothing of. */
export function endOfSnapshot(snapshot: string): bigint {
  return BigInt(snapshot.split(':')[1] ?? '')
}

/** SQL: whether the event `e` lies before a position, which is a text. */
export function isBehind(position: string): string {
  const snapshot = (part: number) => `nullif(split_part(${position}, '/', ${part}), '')::pg_snapshot`
  return `coalesce(
      pg_visible_in_snapshot(e.xid, ${snapshot(2)})
      or (pg_visible_in_snapshot(e.xid, ${snapshot(3)}) and e.seq <= split_part(${position}, '/', 4)::bigint),
      false)`
}

const MAX_LENGTH = 100_000
const MAX_NUMBER = 2n ** 63n - 1n
/** No transaction has the id 0. That of an empty log's position is 1. */
const FIRST_XID = 1n
const NUMBER = /^(?:0|[1-9][0-9]{0,18})$/

/** The text under which a position is stored and handed out. */
export function formatPosition({ from, to, sequence }: SnapshotPosition): Position {
  return `p/${from}/${to ?? ''}/${sequence}`
}

/**
 * Reads what {@link formatPosition} has written, and nothing else: a text that only resembles it would be
 * refused by the database with an error of its own, or be a place that never was.
 *
 * @throws EventEngineError `invalid_position`
 */
export function parsePosition(text: string): SnapshotPosition {
  const parts = typeof text === 'string' && text.length <= MAX_LENGTH ? text.split('/', 5) : []
  const [kind, from = '', to = '', last = ''] = parts
  const sequence = numberOf(last)
  const first = snapshotOf(from)
  const second = to === '' ? undefined : snapshotOf(to)
  const isWhole = parts.length === 4 && kind === 'p' && first !== undefined && sequence !== undefined
  if (!isWhole || (to !== '' && (second === undefined || !isContained(first, second)))) {
    throw new EventEngineError(
      'invalid_position',
      `${shown(text)} is no position of this event log; pass one that it has given out.`,
    )
  }
  return { from, to: to || undefined, sequence }
}

/** The parts of PostgreSQL's text for a snapshot: transactions before `start` are over, `running` are not. */
interface SnapshotParts {
  readonly start: bigint
  readonly end: bigint
  readonly running: readonly bigint[]
}

function snapshotOf(text: string): SnapshotParts | undefined {
  const [xmin = '', xmax = '', xip, ...more] = text.split(':')
  const start = numberOf(xmin)
  const end = numberOf(xmax)
  if (start === undefined || end === undefined || xip === undefined || more.length > 0) return undefined
  if (start < FIRST_XID || start > end) return undefined
  const running: bigint[] = []
  for (const id of xip === '' ? [] : xip.split(',')) {
    const number = numberOf(id)
    const before = running.at(-1) ?? start - 1n
    if (number === undefined || number <= before || number >= end) return undefined
    running.push(number)
  }
  return { start, end, running }
}

/** Whether all that is visible in an earlier snapshot is so in a later one. */
function isContained(earlier: SnapshotParts, later: SnapshotParts): boolean {
  if (earlier.start > later.start || earlier.end > later.end) return false
  const running = new Set(earlier.running)
  return later.running.every((id) => id >= earlier.end || running.has(id))
}

function numberOf(text: string): bigint | undefined {
  const number = NUMBER.test(text) ? BigInt(text) : undefined
  return number !== undefined && number <= MAX_NUMBER ? number : undefined
}
