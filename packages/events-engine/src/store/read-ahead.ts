import { PAGE_CHARACTERS } from './found-events.ts'
import type { EventPage, Position, PositionedEvent } from './position.ts'

type ReadAfter = (position: Position, limit: number) => Promise<EventPage>

interface Chunk {
  readonly events: readonly PositionedEvent[]
  /** Where in `events` a reader at a position goes on. */
  readonly indexAt: ReadonlyMap<Position, number>
  readonly end: EventPage
  /** How many characters the data of its events has. */
  readonly size: number
  /** By `performance.now()`. */
  readonly readAt: number
}

interface ReadAhead {
  readAfter: ReadAfter
  /** Drops what was read ahead and kept in memory. */
  forgetRead(): void
}

const CHUNK_SIZE = 500
const CHUNKS_KEPT = 4
const CHARACTERS_KEPT = 2 * PAGE_CHARACTERS
/** Another process may purge a tenant, whose events must not be given out any more after this time. */
const KEPT_FOR_MS = 30_000

/**
 * Reads more events than asked for and keeps them for a while, so that a large commit is not scanned for each page, and
 * subscriptions at the same position share one query. Events never change, so a kept chunk stays right. An empty result is
 * never kept.
 */
export function withReadAhead(readAfter: ReadAfter): ReadAhead {
  let chunks: Chunk[] = []
  const underWay = new Map<Position, Promise<Chunk>>()
  /** Rows a read asks for at most. It falls where fewer fill a page with their data, since the rest would be read again. */
  let mostAtOnce = Number.POSITIVE_INFINITY

  async function readChunk(position: Position, limit: number): Promise<Chunk> {
    const keptBy = chunks
    const readAt = performance.now()
    const end = await readAfter(position, Math.min(Math.max(limit, CHUNK_SIZE), mostAtOnce))
    const size = end.events.reduce((sum, event) => sum + event.size, 0)
    mostAtOnce = size >= PAGE_CHARACTERS ? 2 * end.events.length : 2 * mostAtOnce
    const positions = [position, ...end.events.slice(0, -1).map((read) => read.position)]
    const indexAt = new Map(positions.map((at, index) => [at, index]))
    const chunk = { events: end.events, indexAt, end, readAt, size }
    // Not what was read before all was to be forgotten.
    if (end.events.length > 0 && keptBy === chunks) {
      chunks.unshift(chunk)
      chunks.length = Math.min(chunks.length, CHUNKS_KEPT)
      let kept = chunks.reduce((sum, one) => sum + one.size, 0)
      while (kept > CHARACTERS_KEPT && chunks.length > 1) kept -= chunks.pop()?.size ?? 0
    }
    return chunk
  }

  /** A read that begins now, or has begun since the caller asked. */
  function readFresh(position: Position, limit: number): Promise<Chunk> {
    const reading =
      underWay.get(position) ?? readChunk(position, limit).finally(() => underWay.delete(position))
    underWay.set(position, reading)
    return reading
  }

  /** Finds a chunk that was read, or is being read, for another caller. */
  async function findKept(position: Position): Promise<Chunk | undefined> {
    const oldest = performance.now() - KEPT_FOR_MS
    const kept =
      chunks.find(({ indexAt, readAt }) => readAt > oldest && indexAt.has(position)) ??
      (await underWay.get(position))
    // An empty one may be older than the commit that the caller was woken for.
    return kept?.events.length ? kept : undefined
  }

  async function readAhead(position: Position, limit: number): Promise<EventPage> {
    const kept = await findKept(position)
    const { events, indexAt, end } = kept ?? (await readFresh(position, limit))
    const start = indexAt.get(position) ?? 0
    const page = events.slice(start, start + limit)
    const last = page.at(-1)
    if (last && start + page.length < events.length) {
      return { events: page, position: last.position, more: true }
    }
    // A kept chunk may be older than the caller's last wake-up, so the caller must look again before it waits.
    return { ...end, events: page, more: end.more || kept !== undefined }
  }

  return {
    readAfter: readAhead,
    forgetRead() {
      chunks = []
      underWay.clear()
    },
  }
}
