import { type Clock, parseSyncDate } from '@x/events-core'
import type { FeedSource } from '../feed/feed.ts'
import type { Position } from '../store/event-store.ts'

/** What a client says about where it is. */
export interface SseStart {
  /** The id of the last message that it got. */
  readonly lastEventId: string | undefined
  /** Else the date that its state was loaded at: `yyyyMMddHHmmssfff`. */
  readonly since: string | undefined
}

/** Where a stream begins, and whether its client has to load its state anew. */
export interface SseBeginning {
  readonly position: Position
  readonly mustReload: boolean
}

/** Dates go by the clocks of those who raise. */
const CLOCK_MARGIN_MS = 5_000
/** As far back as `getSyncEvents` answers. */
const OLDEST_SINCE_MS = 60 * 60 * 1_000
/** What clients of the sync API send that have nothing to catch up on. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/** Reads where a client is: a header tells it, or for clients that cannot set one, the query. */
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
 * Finds where to begin. A client whose position is unknown here, or so far back that it had better
 * load everything, is to reload, and followed from now on: that is no gap.
 */
export async function whereToBegin(
  source: FeedSource,
  { lastEventId, since }: SseStart,
  maxEventsBehind: number,
  clock: Clock,
): Promise<SseBeginning> {
  // Before anything else is read: what is committed meanwhile is told twice rather than never.
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
