import { type Clock, parseSyncDate } from '@x/events-core'
import type { FeedSource } from '../feed/feed.ts'
import type { Position } from '../store/position.ts'

/** The position that a client gives. */
export interface SseStart {
  /** The id of the last message that it got. */
  readonly lastEventId: string | undefined
  /** Else the date that its state was loaded at: `yyyyMMddHHmmssfff`. */
  readonly since: string | undefined
}

/** The position at which a stream begins, and whether its client must load its state anew. */
export interface SseBeginning {
  readonly position: Position
  readonly mustReload: boolean
}

/** Dates go by the clocks of those who raise. */
const CLOCK_MARGIN_MS = 5_000
/** As far back as `getSyncEvents` reads. */
const OLDEST_SINCE_MS = 60 * 60 * 1_000
/** Clients of the sync API that have nothing to catch up on send it. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/** Reads a client's position from the header, or for clients that cannot set one, from the query. */
export function readSseStart(
  header: string | null | undefined,
  query: URLSearchParams | undefined,
): SseStart {
  return {
    lastEventId: header || query?.get('lastEventId') || undefined,
    since: query?.get('since') || undefined,
  }
}

/**
 * Finds the position to begin at. A client whose position is unknown here, or too far back, must reload, and gets events
 * from now on: it misses none.
 */
export async function whereToBegin(
  source: FeedSource,
  { lastEventId, since }: SseStart,
  maxEventsBehind: number,
  clock: Clock,
): Promise<SseBeginning> {
  // Before anything else is read: events committed meanwhile are then sent twice rather than never.
  const end = await source.endPosition()
  const wanted = await positionOf(source, lastEventId, since, clock)
  if (wanted === 'none') return { position: end, mustReload: false }
  if (wanted === 'unknown') return { position: end, mustReload: true }
  if ((await source.eventsBehind(wanted)) > maxEventsBehind) return { position: end, mustReload: true }
  return { position: wanted, mustReload: false }
}

async function positionOf(
  source: FeedSource,
  lastEventId: string | undefined,
  since: string | undefined,
  clock: Clock,
): Promise<Position | 'none' | 'unknown'> {
  if (lastEventId !== undefined) return (await source.resume(lastEventId)) ?? 'unknown'
  if (since === undefined || since === MINIMUM_SYNC_DATE) return 'none'
  const date = parseSyncDate(since)
  const ageMs = date ? clock.now() - date.getTime() : Number.NaN
  if (!date || ageMs > OLDEST_SINCE_MS || ageMs < -CLOCK_MARGIN_MS) return 'unknown'
  return source.positionAt(new Date(date.getTime() - CLOCK_MARGIN_MS))
}
