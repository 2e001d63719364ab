/**
 * What {@link Mended} can be about. An endpoint with something due that nobody would look for; one that is
 * deleted and has something pending; a delivery whose message is gone; one that would never be due; a lane
 * of which nothing is due, so that it stands still; one of which more than one is, so that order is lost.
 */
export type MendedKind =
  | 'late_endpoint'
  | 'deleted_endpoint'
  | 'missing_message'
  | 'stray'
  | 'stuck_lane'
  | 'crowded_lane'

/** Something that should not be, found and put right. */
export interface Mended {
  readonly kind: MendedKind
  readonly endpointKey: number
  readonly lane?: string
  /** How many deliveries, or endpoints, that concerned; nothing was wrong any more where it is 0. */
  readonly count: number
}

/** A lane of an endpoint. */
export interface LaneKey {
  readonly endpointKey: number
  readonly lane: string
}

/** What came of a part of a sweep. */
export interface SweptPage<TKey> {
  /** Where to go on behind; undefined at the end. */
  readonly last: TKey | undefined
  readonly mended: readonly Mended[]
}

/** Whoever deletes an endpoint cancels what waits for it afterwards, in small transactions: until then it may. */
export const DELETED_FOR_MS = 60_000
