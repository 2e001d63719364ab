import { chainNext, chainStart } from '@x/signature'
import type { SequenceMark, SequencePlace, SequenceStore } from './sequence-store.ts'

/**
 * What a sequence shows. `gap`: the messages of these numbers were not received so far. `lost`: the sender has them no
 * longer. `fork`: a message does not follow from those before, or has the number of another. `repeat`: it was handled
 * before. `reordered`: it came after later ones. `unnumbered`: it has no number, though this receiver watches a sequence.
 */
export type SequenceNotice =
  | {
      readonly kind: 'gap' | 'lost'
      readonly endpoint: string
      /** The first number that is missing. */
      readonly from: number
      /** The last one. */
      readonly to: number
    }
  | {
      readonly kind: 'fork' | 'repeat' | 'reordered'
      readonly endpoint: string
      readonly sequence: number
      readonly id: string
    }
  | { readonly kind: 'unnumbered'; readonly id: string }

/** A range of numbers. */
export interface SequenceRange {
  readonly from: number
  readonly to: number
}

/** How a receiver stands with an endpoint. */
export interface SequenceState {
  readonly endpoint: string
  /** All up to this number was handled, or is lost. */
  readonly sequence: number
  /** The chain hash up to there; empty where it is not known. */
  readonly chain: string
  /** The highest number that was handled. */
  readonly highest: number
  /** What is missing below that. */
  readonly missing: readonly SequenceRange[]
  /** How often each kind of notice was given by this process, in messages. */
  readonly counts: Readonly<Record<Exclude<SequenceNotice['kind'], 'unnumbered'>, number>>
}

/** Whether a message may be handled now: it may, it comes too early for a receiver that keeps the order, or it was. */
type Admission = 'due' | 'early' | 'repeat'

/** Follows the sequences of endpoints. */
export interface SequenceTracker {
  /** What is known before a message is handled. */
  admit(mark: SequenceMark): Promise<Admission>
  /** Notes a message that is handled now, or was before. */
  handled(mark: SequenceMark, outcome: 'handled' | 'duplicate'): Promise<void>
  unnumbered(id: string): void
  place(endpoint: string): Promise<SequencePlace>
  /** Whether the message of a number was handled, or is lost. */
  has(endpoint: string, sequence: number): Promise<boolean>
  /** What is missing up to a number will never come. */
  giveUp(endpoint: string, upTo: number): Promise<void>
  states(): readonly SequenceState[]
}

/** What {@link createSequenceTracker} works with. */
export interface SequenceTrackerParts {
  readonly store: SequenceStore
  /** Whether an inbox notes numbers in the transaction of the handlers. */
  readonly hasInbox: boolean
  readonly start: number | 'first'
  readonly isOrdered: boolean
  tell(notice: SequenceNotice): void
  /** Called with the endpoint of each message. */
  met(endpoint: string): void
}

interface Follower {
  readonly endpoint: string
  place: SequencePlace
  /** What was handled after the place. */
  readonly early: Map<number, SequenceMark>
  /** The highest number that was handled. */
  highest: number
  /** Up to this number, what is missing was told. */
  told: number
  saved: number
  /** With so many that were handled after the place, what others have handled is read again. */
  refreshAt: number
  readonly counts: Record<Exclude<SequenceNotice['kind'], 'unnumbered'>, number>
}

const PAGE = 1_000
/** The place is derived from marks: it is saved now and then, so that few have to be read. */
const SAVE_EVERY = 64
/** What is missing before so many that were handled is taken for lost. */
const MAX_EARLY = 50_000
const REFRESH_EVERY = 100
/** Of endpoints beyond, the place is read again. */
const MAX_FOLLOWED = 10_000

/** Creates what follows the sequences of endpoints. */
export function createSequenceTracker(parts: SequenceTrackerParts): SequenceTracker {
  const { store, hasInbox, start, isOrdered, tell, met } = parts
  const followers = new Map<string, Follower>()
  /** What is done about an endpoint is done one after the other. */
  const turns = new Map<string, Promise<unknown>>()

  function inTurn<TResult>(
    endpoint: string,
    first: number,
    work: (follower: Follower) => Promise<TResult>,
  ): Promise<TResult> {
    const before = turns.get(endpoint) ?? Promise.resolve()
    const turn = before.then(async () => work(await follow(endpoint, first)))
    const settled = turn.then(
      () => {},
      () => {},
    )
    turns.set(endpoint, settled)
    settled.then(() => {
      if (turns.get(endpoint) === settled) turns.delete(endpoint)
    })
    return turn
  }

  /** @param first - the number of the message that is there, where the place begins with it. */
  async function follow(endpoint: string, first: number): Promise<Follower> {
    const known = followers.get(endpoint)
    if (known) return known
    const saved = await store.place(endpoint)
    const begin = (start === 'first' ? first : start) - 1
    const place = saved ?? { sequence: begin, chain: begin === 0 ? await chainStart(endpoint) : '' }
    const follower: Follower = {
      endpoint,
      place,
      early: new Map(),
      highest: place.sequence,
      told: place.sequence,
      saved: saved ? place.sequence : -1,
      refreshAt: 0,
      counts: { gap: 0, lost: 0, fork: 0, repeat: 0, reordered: 0 },
    }
    await refresh(follower)
    // Where it begins at some number, that has to be known after a restart.
    if (!saved && begin > 0) await save(follower)
    const [oldest] = followers.keys()
    if (followers.size >= MAX_FOLLOWED && oldest !== undefined && !turns.has(oldest)) followers.delete(oldest)
    followers.set(endpoint, follower)
    return follower
  }

  /** Reads what other processes have handled. */
  async function refresh(follower: Follower): Promise<void> {
    for (let after = follower.place.sequence; ; ) {
      const marks = await store.marks(follower.endpoint, after, PAGE)
      for (const mark of marks) if (!follower.early.has(mark.sequence)) keep(follower, mark)
      await advance(follower)
      if (marks.length < PAGE) return
      after = marks.at(-1)?.sequence ?? after
    }
  }

  function keep(follower: Follower, mark: SequenceMark): void {
    follower.early.set(mark.sequence, mark)
    follower.highest = Math.max(follower.highest, mark.sequence)
  }

  async function save(follower: Follower): Promise<void> {
    await store.savePlace(follower.endpoint, follower.place)
    follower.saved = follower.place.sequence
  }

  async function advance(follower: Follower): Promise<void> {
    const { early } = follower
    for (;;) {
      const mark = early.get(follower.place.sequence + 1)
      if (!mark) break
      const { chain } = follower.place
      if (chain !== '' && (await chainNext(chain, mark)) !== mark.chain) tellOne(follower, 'fork', mark)
      early.delete(mark.sequence)
      follower.place = { sequence: mark.sequence, chain: mark.chain }
    }
    if (follower.place.sequence - follower.saved >= SAVE_EVERY) await save(follower)
    follower.told = Math.max(follower.told, follower.place.sequence)
    follower.highest = Math.max(follower.highest, follower.place.sequence)
  }

  function tellOne(
    { endpoint, counts }: Follower,
    kind: 'fork' | 'repeat' | 'reordered',
    { sequence, id }: SequenceMark,
  ): void {
    counts[kind] += 1
    tell({ kind, endpoint, sequence, id })
  }

  function tellMissing(
    { endpoint, early, counts }: Follower,
    kind: 'gap' | 'lost',
    range: SequenceRange,
  ): void {
    for (const { from, to } of missingIn(early, range)) {
      counts[kind] += to - from + 1
      tell({ kind, endpoint, from, to })
    }
  }

  /** Tells what is missing before a message, unless it was told. */
  async function lookForGap(follower: Follower, sequence: number): Promise<void> {
    if (sequence <= follower.place.sequence + 1) return
    const isTold = sequence - 1 <= Math.max(follower.place.sequence, follower.told)
    // All marks after the place are read: where what is missing was told, only now and then, or an open gap would make each
    // message cost more than the one before.
    if (isTold && !isOrdered && follower.early.size < follower.refreshAt) return
    await refresh(follower)
    follower.refreshAt = follower.early.size + Math.max(REFRESH_EVERY, follower.early.size)
    const from = Math.max(follower.place.sequence, follower.told) + 1
    if (from < sequence) tellMissing(follower, 'gap', { from, to: sequence - 1 })
    follower.told = Math.max(follower.told, sequence - 1)
  }

  async function others(
    { endpoint, early }: Follower,
    { sequence, id }: SequenceMark,
  ): Promise<SequenceMark[]> {
    const stored = await store.marks(endpoint, sequence - 1, 16)
    const known = early.get(sequence)
    return [...stored, ...(known ? [known] : [])].filter((one) => one.sequence === sequence && one.id !== id)
  }

  async function note(follower: Follower, mark: SequenceMark): Promise<void> {
    const { sequence } = mark
    if (sequence <= Math.max(follower.told, follower.highest)) {
      const isOther = (await others(follower, mark)).length > 0
      tellOne(follower, isOther ? 'fork' : 'reordered', mark)
    }
    if (!hasInbox) await store.add(mark)
    if (sequence > follower.place.sequence) await settle(follower, mark)
  }

  /** Moves the place on after a message, or tells what is missing before it. */
  async function settle(follower: Follower, mark: SequenceMark): Promise<void> {
    const { sequence } = mark
    keep(follower, mark)
    if (sequence === follower.place.sequence + 1) await advance(follower)
    else await lookForGap(follower, sequence)
    follower.told = Math.max(follower.told, sequence)
    if (follower.early.size > MAX_EARLY) await refresh(follower)
    while (follower.early.size > MAX_EARLY) {
      await giveUp(follower, Math.min(...missingIn(follower.early, rangeOf(follower)).map(({ to }) => to)))
    }
  }

  async function giveUp(follower: Follower, upTo: number): Promise<void> {
    if (upTo <= follower.place.sequence) return
    // What was before the first message that there is.
    const isBeforeFirst = start === 'first' && follower.saved === -1 && follower.highest === 0
    if (!isBeforeFirst) tellMissing(follower, 'lost', { from: follower.place.sequence + 1, to: upTo })
    const { early } = follower
    follower.place = { sequence: upTo, chain: early.get(upTo)?.chain ?? '' }
    for (const sequence of [...early.keys()]) if (sequence <= upTo) early.delete(sequence)
    await advance(follower)
    await save(follower)
  }

  return {
    admit: (mark) =>
      inTurn(mark.endpoint, mark.sequence, async (follower) => {
        const { sequence, id } = mark
        met(mark.endpoint)
        if (isOrdered && sequence > follower.place.sequence + 1 && !follower.early.has(sequence)) {
          await lookForGap(follower, sequence)
          if (sequence > follower.place.sequence + 1) return 'early'
        }
        // An inbox knows better.
        if (hasInbox || sequence > follower.highest) return 'due'
        const same = (await store.marks(mark.endpoint, sequence - 1, 16)).some(
          (one) => one.sequence === sequence && one.id === id,
        )
        if (!same) return 'due'
        tellOne(follower, 'repeat', mark)
        return 'repeat'
      }),
    handled: (mark, outcome) =>
      inTurn(mark.endpoint, mark.sequence, async (follower) => {
        if (outcome === 'handled') return note(follower, mark)
        tellOne(follower, 'repeat', mark)
        const isKnown = () => mark.sequence <= follower.place.sequence || follower.early.has(mark.sequence)
        if (isKnown()) return
        await refresh(follower)
        if (isKnown()) return
        // Handled before, when somebody had taken its number away.
        await store.add(mark)
        await settle(follower, mark)
      }),
    unnumbered: (id) => tell({ kind: 'unnumbered', id }),
    place: (endpoint) => inTurn(endpoint, 1, async ({ place }) => place),
    has: (endpoint, sequence) =>
      inTurn(endpoint, 1, async ({ place, early }) => sequence <= place.sequence || early.has(sequence)),
    giveUp: (endpoint, upTo) =>
      inTurn(endpoint, 1, async (follower) => {
        await refresh(follower)
        await giveUp(follower, upTo)
      }),
    states: () =>
      [...followers.values()].map((follower) => {
        const { endpoint, place, highest, early, counts } = follower
        const missing = missingIn(early, rangeOf(follower))
        return { endpoint, ...place, highest, missing, counts: { ...counts } }
      }),
  }
}

const rangeOf = ({ place, highest }: Follower): SequenceRange => ({ from: place.sequence + 1, to: highest })

/** Which numbers of a range are not there. */
function missingIn(early: ReadonlyMap<number, unknown>, { from, to }: SequenceRange): SequenceRange[] {
  const there = [...early.keys()].filter((one) => one >= from && one <= to).sort((a, b) => a - b)
  const missing: SequenceRange[] = []
  let next = from
  for (const one of [...there, to + 1]) {
    if (one > next) missing.push({ from: next, to: one - 1 })
    next = one + 1
  }
  return missing
}
